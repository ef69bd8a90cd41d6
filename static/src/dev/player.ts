// Shows the screen over the model cluster: ?scene=healthy|killed|why|rebalance|many|huge|empty. Never part of the build.

import type { Verb } from '../commands.ts'
import { batched, type Message } from '../feed.ts'
import { show } from '../show.ts'
import { store } from '../store.svelte.ts'
import { ModelCluster } from './model_cluster.ts'
import grammar from './grammar.json'

const scene = new URLSearchParams(location.search).get('scene') ?? 'healthy'
const theme = new URLSearchParams(location.search).get('theme')
if (theme) localStorage.setItem('theme', theme)

const sizes: Record<string, [number, Record<string, [number, number]>]> = {
  many: [10, { orders: [111, 3], payments: [111, 3], clicks: [111, 3] }],
  huge: [10, { orders: [1100, 3], payments: [1100, 3], clicks: [1100, 3] }],
  ten: [10, { orders: [6, 3], payments: [3, 3] }],
  lines: [3, { orders: [12, 3], payments: [9, 3] }],
  first: [3, { orders: [6, 3] }],
}
const [brokers, topics] = sizes[scene] ?? [3, { orders: [6, 3], payments: [3, 3] }]
const model = new ModelCluster(brokers, topics)
const rate = scene === 'many' || scene === 'huge' ? 200 : 20

model.command(`produce orders as shop rate=${rate} keys=50 acks=all`, 'start')
if (topics.payments) {
  model.tell('ClientConnected', { connection: 1, client_id: 'pay-api', software: 'apache-kafka-java', software_version: '4.3.1', address: '10.0.4.31' }, [], 1)
  model.command('consume payments group=audit members=4', 'start')
}
model.command('consume orders group=billing members=2', 'start')

const push = batched((messages: Message[]) => store.take(messages))
const send = (message: object): boolean => {
  const { type, id, line, door } = message as { type: string; id: string; line: string; door: string }
  if (type === 'command') {
    const outcome = model.command(line, door)
    setTimeout(() => push({ type: 'outcome', id, ...outcome }), 20)
  }
  return true
}

for (let i = 0; i < 40; i++) model.beat(50)
show(document.getElementById('app')!)
store.start({ send, close: () => undefined }, { verbs: async () => grammar as Verb[], facts: async (after) => model.facts.filter((fact) => fact.number === after + 1) })
store.setLink('up')
push({ type: 'snapshot', snapshot: model.snapshot, recent: model.facts.slice(-500) })
setInterval(() => push({ type: 'frame', ...model.beat(50) }), 50)

if (scene === 'killed' || scene === 'why') setTimeout(() => model.command('kill broker 2', 'button'), 3000)
if (scene === 'killed') store.select({ kind: 'broker', broker: 2 })
if (scene === 'healthy') store.select({ kind: 'broker', broker: 2 })
if (scene === 'why') {
  setTimeout(() => {
    store.select({ kind: 'partition', topic: 'orders', partition: 1, broker: 3 })
    store.ask({ about: 'partition', topic: 'orders', partition: 1 })
    model.command('pause', 'button')
  }, 6500)
}
if (scene === 'rebalance') {
  model.rebalance_ms = 2500
  store.select({ kind: 'group', group: 'billing' })
  setTimeout(() => model.command('consume orders group=billing members=1', 'line'), 4000)
}
Object.assign(window, { model, store })
