// The lines that commands are: how buttons write them, how the command line completes them, what Kafka calls them.
// The grammar comes from the server (GET /api/commands), so that a verb is described in one place.

import { clusterOf, type Cluster, type Snapshot } from './model.ts'

export interface Word {
  name: string
  kind: string // broker, topic, client, group, rack, partition, word
}

export interface Option {
  name: string
  default: string | number | boolean | null
  doc: string
  values: string[] | null
}

export interface Verb {
  verb: string
  words: Word[]
  options: Option[]
  open?: boolean // any other name=value is taken too: topic configs
  doc: string
  example: string
  kafka: string | null
}

/** What buttons say. Names go in as they are: a name with a blank is refused by the server, with its reason. */
export const lines = {
  broker: (verb: 'kill' | 'stop' | 'start' | 'restart' | 'freeze' | 'thaw' | 'remove', id: number) => `${verb} broker ${id}`,
  addBroker: (rack: string) => (rack ? `add broker rack=${rack}` : 'add broker'),
  client: (verb: 'pause' | 'resume' | 'close' | 'crash', name: string) => `${verb} client ${name}`,
  changeClient: (name: string, settings: Settings) => withOptions(`change client ${name}`, settings),
  createTopic: (name: string, settings: Settings) => withOptions(`create topic ${name}`, settings),
  setTopic: (name: string, settings: Settings) => withOptions(`set topic ${name}`, settings),
  growTopic: (name: string, partitions: string) => withOptions(`grow topic ${name}`, { partitions }),
  deleteTopic: (name: string) => `delete topic ${name}`,
  elect: (partition: string, how: 'preferred' | 'unclean') => `elect ${partition} ${how}`,
  cut: (id: number, way: 'from' | 'to', far: string) => `cut broker ${id} ${way} ${far}`,
  slowLink: (id: number, far: string, time: string) => `slow broker ${id} to ${far} ${time}`,
  heal: (id: number) => `heal broker ${id}`,
  fail: (api: string, id: number, error: string) => `fail ${api} on broker ${id} with ${error}`,
  delay: (api: string, id: number, time: string) => `delay ${api} on broker ${id} by ${time}`,
  drop: (api: string, id: number) => `drop ${api} on broker ${id}`,
  electPreferred: () => 'elect preferred leaders',
  produce: (topic: string, name: string, settings: Settings) => withOptions(`produce ${topic}${name ? ` as ${name}` : ''}`, settings),
  consume: (topic: string, name: string, settings: Settings) => withOptions(`consume ${topic}${name ? ` as ${name}` : ''}`, settings),
  pause: () => 'pause',
  resume: () => 'resume',
  slow: (factor: number) => `slow ${factor === 1 ? '×1' : `×1/${factor}`}`,
}

export type Settings = Record<string, string>

const withOptions = (line: string, settings: Settings) =>
  [line, ...Object.entries(settings).filter(([, value]) => value !== '').map(([name, value]) => `${name}=${quoted(value)}`)].join(' ')

const quoted = (value: string) => (/\s/.test(value) ? `"${value}"` : value)

const wordsIn = (line: string) => line.trim().split(/\s+/).filter(Boolean)

/** The verb that the line begins with: the one with the most words, as the server reads it. */
export function verbOf(grammar: Verb[], line: string): Verb | undefined {
  const words = wordsIn(line)
  const begins = (verb: Verb) => verb.verb.split(' ').every((word, i) => words[i] === word)
  return grammar.filter(begins).sort((a, b) => b.verb.split(' ').length - a.verb.split(' ').length)[0]
}

/** What could stand at the end of the line instead of its last word. Whole lines, best first. */
export function complete(grammar: Verb[], line: string, snapshot: Snapshot | null, most = 8): string[] {
  const words = wordsIn(line)
  const open = line === '' || /\s$/.test(line) ? '' : words.pop()!
  const done = words.join(' ')
  const nexts = new Set<string>()
  for (const verb of grammar) nextWords(verb, words, snapshot).forEach((word) => nexts.add(word))
  const isNew = (word: string) => !words.some((one) => word.endsWith('=') && one.startsWith(word))
  return [...nexts]
    .filter((word) => word.startsWith(open) && word !== open && isNew(word))
    .sort((a, b) => Number(a.includes('=')) - Number(b.includes('=')) || a.localeCompare(b, 'en', { numeric: true }))
    .slice(0, most)
    .map((word) => (done ? `${done} ${word}` : word))
}

function nextWords(verb: Verb, before: string[], snapshot: Snapshot | null): string[] {
  const fixed = verb.verb.split(' ')
  for (const [i, word] of before.entries()) if (i < fixed.length && fixed[i] !== word) return []
  if (before.length < fixed.length) return [fixed[before.length]!]
  const given = before.slice(fixed.length)
  const plainWords = given.filter((word, i) => !word.includes('=') && word !== 'as' && given[i - 1] !== 'as')
  if (given.at(-1) === 'as') return []
  // `brokers` and `clients` name the whole far side of a link; no numbers follow.
  const far = plainWords.findIndex((word, i) => verb.words[i]?.kind.includes('|') && word !== 'broker')
  const wanted = verb.words[plainWords.length + (far >= 0 ? 1 : 0)]
  if (wanted) return candidates(wanted, snapshot)
  return verb.options.flatMap((option) => {
    if (option.name === 'as') return given.includes('as') ? [] : ['as']
    return [`${option.name}=`, ...(option.values ?? []).map((value) => `${option.name}=${value}`)]
  })
}

function candidates(word: Word, snapshot: Snapshot | null): string[] {
  const cluster = snapshot && clusterOf(snapshot)
  if (!cluster) return []
  if (word.kind === 'literal') return [word.name]
  if (word.kind.includes('|')) return word.kind.split('|')
  return NAMES[word.kind]?.(cluster) ?? FIXED[word.kind] ?? []
}

const NAMES: Record<string, (cluster: Cluster) => string[]> = {
  broker: (cluster) => cluster.brokers.map((broker) => String(broker.id)),
  topic: (cluster) => cluster.topics.filter((topic) => !topic.internal).map((topic) => topic.name),
  client: (cluster) => cluster.clients.filter((client) => client.ours).map((client) => client.name),
  group: (cluster) => cluster.groups.map((group) => group.name),
  rack: (cluster) => [...new Set(cluster.brokers.map((broker) => broker.rack ?? ''))].filter(Boolean),
  partition: (cluster) =>
    cluster.topics.flatMap((topic) => topic.partitions.map((part) => `${topic.name}-${part.partition}`)),
}

/** What visitors meet first; the line takes all that Kafka has. */
export const APIS = [
  'Produce', 'Fetch', 'ListOffsets', 'Metadata', 'OffsetCommit', 'OffsetFetch', 'FindCoordinator', 'JoinGroup', 'SyncGroup', 'Heartbeat',
  'InitProducerId',
]
export const ERRORS = [
  'NOT_ENOUGH_REPLICAS', 'NOT_LEADER_OR_FOLLOWER', 'REQUEST_TIMED_OUT', 'UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE',
  'COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR', 'REBALANCE_IN_PROGRESS', 'OFFSET_OUT_OF_RANGE', 'TOPIC_AUTHORIZATION_FAILED',
  'KAFKA_STORAGE_ERROR', 'UNKNOWN_SERVER_ERROR',
]
export const TIMES = ['50ms', '200ms', '1s', '5s']
export const SHARES = ['100%', '50%', '30%', '10%']

const FIXED: Record<string, string[]> = {
  speed: ['×1', '×1/4', '×1/20'], election: ['preferred', 'unclean'], way: ['from', 'to'],
  api: APIS, error: ERRORS, duration: TIMES, share: SHARES,
}

/** Kafka's own line for ours, from the verb's template: {name} is a word or option, a part in [ ] needs its option. */
export function kafkaLine(grammar: Verb[], line: string, snapshot: Snapshot | null): string | null {
  const verb = verbOf(grammar, line)
  if (!verb?.kafka) return null
  const given = valuesOf(verb, line, snapshot)
  const filled = verb.kafka.replace(/\{([\w.]+)\}/g, (_, name: string) => given[name] || `<${name}>`)
  return TAKES_BOOTSTRAP.test(filled) ? filled.replace(/\.sh /, `.sh --bootstrap-server ${given.bootstrap} `) : filled
}

const TAKES_BOOTSTRAP = /^bin\/kafka-(topics|configs|leader-election|console-consumer|cluster)\.sh /

function valuesOf(verb: Verb, line: string, snapshot: Snapshot | null): Record<string, string> {
  const cluster = snapshot && clusterOf(snapshot)
  const rest = wordsIn(line).slice(verb.verb.split(' ').length)
  const values: Record<string, string> = { bootstrap: cluster?.bootstrap_servers.split(',')[0] ?? '' }
  verb.options.forEach((option) => option.default !== null && (values[option.name] = String(option.default)))
  const words = rest.filter((word) => !word.includes('='))
  verb.words.forEach((word, i) => words[i] && (values[word.name] = words[i]))
  const pairs = rest.filter((word) => word.includes('=')).map((word) => word.split(/=(.*)/s) as [string, string])
  for (const [name, value] of pairs) values[name] = value
  values.configs = pairs.filter(([name]) => !verb.options.some((option) => option.name === name)).map((pair) => pair.slice(0, 2).join('=')).join(',')
  const dash = values.partition?.lastIndexOf('-') ?? -1
  if (dash > 0) [values.topic, values.partition] = [values.partition!.slice(0, dash), values.partition!.slice(dash + 1)]
  const broker = cluster?.brokers.find((one) => String(one.id) === values.broker)
  if (broker?.pid) values.pid = String(broker.pid)
  return values
}
