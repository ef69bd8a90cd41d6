// The wire: one WebSocket that comes back by itself, a queue that is folded once per animation frame, commands upwards.
// Rule: a gap in the numbers is never guessed over; it asks for a fresh snapshot.

import type { Fact, Frame, Outcome, Second, Snapshot } from './model.ts'

export type Message =
  | { type: 'hello'; version: number; sandbox: string; build: string }
  | { type: 'snapshot'; snapshot: Snapshot; recent?: Fact[]; minute?: Second[] }
  | ({ type: 'frame' } & Frame)
  | { type: 'host'; state: 'up' | 'gone' }
  | ({ type: 'outcome' } & Outcome)

export interface Listener {
  link(state: 'connecting' | 'up' | 'lost'): void
  batch(messages: Message[]): void
}

export interface Feed {
  send(message: object): boolean
  close(): void
}

const RETRY_MS_MAX = 4000 // a restarted server is seen within this
const SILENT_MS = 12_000 // frames or a host message come more often; longer means that the line is dead
const HIDDEN_MS = 250 // animation frames stop in a hidden tab; the fold must not

export const retryMs = (attempt: number) => Math.min(RETRY_MS_MAX, 200 * 2 ** attempt)

/** Gathers messages and hands them on once per animation frame. */
export function batched(deliver: (messages: Message[]) => void): (message: Message) => void {
  let waiting: Message[] = []
  let planned = false
  const flush = () => {
    planned = false
    const now = waiting
    waiting = []
    deliver(now)
  }
  return (message) => {
    waiting.push(message)
    if (planned) return
    planned = true
    if (document.hidden) setTimeout(flush, HIDDEN_MS)
    else {
      // A tab that hides between request and frame would keep the batch: the timer is the net.
      let done = false
      const once = () => {
        if (done) return
        done = true
        flush()
      }
      requestAnimationFrame(once)
      setTimeout(once, HIDDEN_MS)
    }
  }
}

export function connect(address: string, listener: Listener): Feed {
  let socket: WebSocket | null = null
  let attempt = 0
  let closed = false
  let heard = 0
  const push = batched(listener.batch)

  const open = () => {
    listener.link('connecting')
    const mine = new WebSocket(address)
    socket = mine
    heard = Date.now()
    mine.onmessage = (event) => {
      if (socket !== mine) return
      heard = Date.now()
      attempt = 0
      listener.link('up')
      push(JSON.parse(event.data as string) as Message)
    }
    mine.onclose = () => {
      if (socket !== mine) return
      socket = null
      if (closed) return
      listener.link('lost')
      setTimeout(open, retryMs(attempt++))
    }
  }
  const watch = setInterval(() => {
    // A proxy that died leaves a socket that looks open; asking keeps a quiet but living one.
    if (socket?.readyState !== WebSocket.OPEN) return
    const silent = Date.now() - heard
    if (silent > SILENT_MS) socket.close()
    else if (silent > SILENT_MS / 2) socket.send(JSON.stringify({ type: 'resync' }))
  }, 2000)
  const wake = () => {
    if (!closed && socket === null) attempt = 0
  }
  addEventListener('online', wake)
  open()
  return {
    send(message) {
      if (socket?.readyState !== WebSocket.OPEN) return false
      socket.send(JSON.stringify(message))
      return true
    },
    close() {
      closed = true
      clearInterval(watch)
      removeEventListener('online', wake)
      socket?.close()
    },
  }
}
