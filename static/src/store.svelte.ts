// What the page knows: the folded snapshot, the facts behind it, what is selected, and the way to give a command.
// Rule: the snapshot changes only by a message from the server; nothing on the page edits it.

import { apply, applyTraffic } from './apply.ts'
import type { Verb } from './commands.ts'
import type { Deed } from './deeds.ts'
import type { Feed, Message } from './feed.ts'
import { asksForMenu } from './keys.ts'
import { totalLag } from './lag.ts'
import { ALL, type Filter } from './canvas/filter.ts'
import { clusterOf, type Fact, type Frame, type Outcome, type Snapshot, type Traffic } from './model.ts'
import { Rates } from './rates.ts'
import { text } from './text/text.ts'
import type { Question } from './why.ts'

export type Selection =
  | { kind: 'cluster' }
  | { kind: 'broker'; broker: number }
  | { kind: 'topic'; topic: string }
  | { kind: 'partition'; topic: string; partition: number; broker: number | null }
  | { kind: 'group'; group: string }
  | { kind: 'client'; client: string }

export type Form = 'topic' | 'producer' | 'consumer' | 'set' | 'grow' | 'change' | null

export interface Api {
  verbs(): Promise<Verb[]>
  facts(after: number, limit: number): Promise<Fact[]>
}

/** Where the verbs of a thing are offered, in pixels of the window. */
export interface Menu { thing: Selection; x: number; y: number }

const FACTS_MAX = 4000 // what the page remembers; older ones are the host's journal
const ANSWER_MS = 10_000

export class Store {
  snapshot = $state.raw<Snapshot | null>(null)
  facts = $state.raw<Fact[]>([])
  link = $state<'connecting' | 'up' | 'lost'>('connecting')
  host = $state<'up' | 'gone'>('up')
  selection = $state.raw<Selection>({ kind: 'cluster' })
  form = $state<Form>(null)
  question = $state.raw<Question | null>(null)
  menu = $state.raw<Menu | null>(null)
  help = $state(false)
  filter = $state.raw<Filter>(ALL)
  hovered = $state.raw<{ topic: string; partition: number } | null>(null)
  theme = $state<'dark' | 'light'>('light')
  proposed = $state<string | null>(null) // the line that the selection offers
  outcome = $state.raw<{ line: string; ok: boolean; message: string } | null>(null)
  grammar = $state.raw<Verb[]>([])
  now_ms = $state(0) // cluster time, advanced between frames
  facts_version = $state(0) // moves when the structure may have changed: a fact or a snapshot came

  readonly rates = new Rates()
  byNumber = new Map<number, Fact>()
  onTraffic: ((traffic: Traffic, before: Snapshot, after: Snapshot) => void) | null = null
  private feed: Feed | null = null
  private api: Api | null = null
  private heard_at = 0
  private waiting = new Map<string, (outcome: Outcome) => void>()
  private sent = 0
  private fetched = new Set<number>()

  start(feed: Feed, api: Api) {
    this.feed = feed
    this.api = api
    void this.learn()
  }

  setLink(link: 'connecting' | 'up' | 'lost') {
    if (link === 'up' && this.link !== 'up' && this.grammar.length === 0) void this.learn()
    // A lost page that redials is still a lost page: only a message ends it.
    if (!(link === 'connecting' && this.link === 'lost')) this.link = link
  }

  take(messages: Message[]) {
    let snapshot = this.snapshot
    const news: Fact[] = []
    let sequence = 0
    let restructured = false
    for (const message of messages) {
      if (message.type === 'frame') sequence = message.sequence ?? 0
      if (message.type === 'snapshot') {
        snapshot = message.snapshot
        this.heard_at = performance.now()
        news.push(...(message.recent ?? []))
        this.rates.recall(message.minute ?? [], snapshot.at_ms)
        this.host = 'up'
        restructured = true
      } else if (message.type === 'frame' && snapshot) {
        restructured ||= message.facts.length > 0
        snapshot = this.foldFrame(snapshot, message, news)
      } else if (message.type === 'host') {
        this.host = message.state
      } else if (message.type === 'outcome') {
        this.waiting.get(message.id)?.(message)
      }
    }
    // A viewer that does not confirm gets no more frames: that is how the server notices a slow one.
    if (sequence) this.feed?.send({ type: 'seen', sequence })
    if (news.length) this.remember(news)
    if (snapshot && snapshot !== this.snapshot) {
      const first = this.snapshot === null
      this.snapshot = snapshot
      this.rates.noteLag(snapshot.at_ms, totalLag(clusterOf(snapshot)))
      if (first) this.tick()
    }
    // After the snapshot: who looks again because of it must not see the one before, while several frames are folded at once.
    if (restructured) this.facts_version++
  }

  private foldFrame(snapshot: Snapshot, frame: Frame, news: Fact[]): Snapshot {
    if (frame.number <= snapshot.number && frame.facts.length > 0) return snapshot
    if (frame.from > snapshot.number) {
      this.feed?.send({ type: 'resync' })
      return snapshot
    }
    this.host = 'up'
    let next = snapshot
    for (const fact of frame.facts) {
      if (fact.number <= next.number) continue
      next = apply(next, fact)
      news.push(fact)
    }
    const before = next
    next = applyTraffic(next, frame.traffic ?? {})
    this.rates.add(frame.traffic ?? {}, frame.at_ms)
    this.onTraffic?.(frame.traffic ?? {}, before, next)
    this.heard_at = performance.now()
    return next.at_ms === frame.at_ms && next === snapshot ? next : { ...next, at_ms: frame.at_ms }
  }

  private remember(news: Fact[]) {
    const fresh = news.filter((fact) => !this.byNumber.has(fact.number))
    if (fresh.length === 0) return
    let all = [...this.facts, ...fresh]
    if (fresh[0]!.number < (this.facts.at(-1)?.number ?? 0)) all.sort((a, b) => a.number - b.number)
    if (all.length > FACTS_MAX) all = all.slice(-FACTS_MAX)
    if (all.length < this.byNumber.size) this.byNumber = new Map(all.map((fact) => [fact.number, fact]))
    else fresh.forEach((fact) => this.byNumber.set(fact.number, fact))
    this.facts = all
  }

  /** Fetches facts that the page has forgotten or never saw; each number is asked for once. */
  async recall(numbers: number[]) {
    for (const number of numbers.filter((one) => one > 0 && !this.fetched.has(one)).slice(0, 12)) {
      this.fetched.add(number)
      const found = await this.api?.facts(number - 1, 1).catch(() => [])
      if (found?.length) this.remember(found)
    }
  }

  /** Cluster time now: the last frame's, gone on at the cluster's speed, standing when it stands. */
  tick() {
    const snapshot = this.snapshot
    if (!snapshot) return
    const silent = Math.min(performance.now() - this.heard_at, 3000)
    const moves = !snapshot.time.paused && this.link === 'up' && this.host === 'up'
    this.now_ms = snapshot.at_ms + (moves ? silent : 0)
  }

  async command(line: string, door: 'button' | 'line' = 'button'): Promise<Outcome | null> {
    const id = `c${++this.sent}`
    const answered = new Promise<Outcome | null>((resolve) => {
      this.waiting.set(id, resolve)
      setTimeout(() => resolve(null), ANSWER_MS)
    })
    this.outcome = { line, ok: true, message: text.command.sent }
    this.proposed = null
    if (!this.feed?.send({ type: 'command', id, line, door })) {
      this.waiting.delete(id)
      this.outcome = { line, ok: false, message: text.command.noLink }
      return null
    }
    const outcome = await answered
    this.waiting.delete(id)
    this.outcome = { line, ok: outcome?.ok ?? false, message: outcome ? outcome.message : text.command.noAnswer }
    return outcome
  }

  select(selection: Selection) {
    this.selection = selection
    this.form = null
    this.proposed = null
    this.outcome = null
  }

  /** Does a deed, or opens the form that asks for the rest of it. */
  give(deed: Deed) {
    if (deed.opens) this.form = deed.opens
    else void this.command(deed.line)
  }

  offer(thing: Selection, x: number, y: number) {
    if (!sameSelection(thing, this.selection)) this.select(thing)
    this.ask(null)
    this.menu = { thing, x, y }
  }

  /** The same at the control that has the keyboard. */
  offerAtKey(event: KeyboardEvent, thing: Selection) {
    if (!asksForMenu(event)) return
    event.preventDefault()
    event.stopPropagation()
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect()
    this.offer(thing, box.left + box.width / 3, box.top + box.height / 2)
  }

  ask(question: Question | null) {
    this.question = question
  }

  setTheme(theme: 'dark' | 'light') {
    this.theme = theme
    document.documentElement.dataset.theme = theme
    try {
      localStorage.setItem('theme', theme)
    } catch {
      // A browser that forbids storage forgets the choice; nothing else.
    }
  }

  private async learn() {
    this.grammar = (await this.api?.verbs().catch(() => [])) ?? []
  }
}

export const sameSelection = (a: Selection, b: Selection) => JSON.stringify(a) === JSON.stringify(b)

/** The page has one. */
export const store = new Store()
