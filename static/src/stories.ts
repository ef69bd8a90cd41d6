// Which facts the feed tells, which of them belong together, and with which glyph.

import { isErrand } from './apply_clients.ts'
import type { Fact } from './model.ts'
import { text } from './text/text.ts'

export type Tone = '' | 'warn' | 'bad'
export type Theme = 'brokers' | 'partitions' | 'groups' | 'clients'

export interface Story {
  key: number // the number of its first fact
  facts: Fact[]
  glyph: string
  tone: Tone
  theme: Theme
  sentence: string
  causes: Fact[] // those that a reader should see, unseen steps skipped
  configs: string[]
}

type Look = [glyph: string, tone: Tone, theme: Theme]

const LOOKS: Record<string, Look> = {
  CommandGiven: ['cmd', '', 'brokers'], CommandRefused: ['cmd', 'warn', 'brokers'],
  BrokerAdded: ['plus', '', 'brokers'], BrokerRemoved: ['stop', '', 'brokers'], BrokerStarted: ['play', '', 'brokers'],
  BrokerFailed: ['x', 'bad', 'brokers'], BrokerKilled: ['x', 'bad', 'brokers'], BrokerStopping: ['stop', 'warn', 'brokers'],
  BrokerStopped: ['stop', '', 'brokers'], BrokerFrozen: ['pause', 'warn', 'brokers'], BrokerThawed: ['play', '', 'brokers'],
  ClusterPaused: ['pause', 'warn', 'brokers'], ClusterResumed: ['play', '', 'brokers'], ClusterSlowed: ['beat', '', 'brokers'],
  LinkCut: ['x', 'bad', 'brokers'], LinkSlowed: ['beat', 'warn', 'brokers'], LinksHealed: ['ok', '', 'brokers'],
  RequestsIntercepted: ['bad', 'warn', 'brokers'], InterceptionEnded: ['ok', '', 'brokers'],
  VoteRequested: ['elect', '', 'brokers'], ControllerElected: ['crown', '', 'brokers'], ControllerLost: ['crown', 'warn', 'brokers'],
  BrokerRegistered: ['plus', '', 'brokers'], BrokerUnfenced: ['ok', '', 'brokers'], SessionExpired: ['beat', 'warn', 'brokers'],
  BrokerFenced: ['fence', 'warn', 'brokers'], ControlledShutdownBegan: ['stop', 'warn', 'brokers'],
  BrokerUnregistered: ['stop', '', 'brokers'],
  TopicCreated: ['plus', '', 'partitions'], TopicDeleted: ['stop', '', 'partitions'], PartitionsAdded: ['plus', '', 'partitions'],
  LeaderElected: ['elect', '', 'partitions'], IsrShrunk: ['isrdn', 'bad', 'partitions'], IsrExpanded: ['isrup', '', 'partitions'],
  FollowerLagged: ['beat', 'warn', 'partitions'], ConfigChanged: ['cmd', '', 'partitions'],
  LogRecovered: ['retry', '', 'partitions'], LogTruncated: ['rev', 'warn', 'partitions'], SegmentRolled: ['plus', '', 'partitions'],
  RecordsDeleted: ['rev', '', 'partitions'], WritesRefused: ['bad', 'bad', 'partitions'], StorageFailed: ['bad', 'bad', 'partitions'],
  GroupLoaded: ['ok', '', 'groups'], GroupStateChanged: ['reb', '', 'groups'], MemberJoined: ['plus', '', 'groups'],
  MemberLeft: ['rev', '', 'groups'], MemberSessionExpired: ['beat', 'warn', 'groups'], RebalanceBegan: ['reb', 'warn', 'groups'],
  GroupRebalanced: ['reb', '', 'groups'], GroupDeleted: ['stop', '', 'groups'],
  ClientConnected: ['plus', '', 'clients'], ClientDisconnected: ['rev', '', 'clients'], AppStarted: ['play', '', 'clients'],
  AppChanged: ['cmd', '', 'clients'], AppPaused: ['pause', '', 'clients'], AppResumed: ['play', '', 'clients'],
  AppCrashed: ['x', 'bad', 'clients'], AppClosed: ['stop', '', 'clients'], AppFailed: ['bad', 'warn', 'clients'],
}

// Steps on the way: told by the fact that follows from them, and in the why popover.
const STEPS = new Set(['CommandGiven', 'SessionExpired', 'FollowerLagged', 'MemberSessionExpired', 'ControlledShutdownBegan', 'VoteRequested'])
const SILENT = new Set(['GroupStateChanged', 'SegmentRolled'])
const PASSED_OVER = new Set([...STEPS, 'IsrShrunk'].filter((kind) => kind !== 'CommandGiven')) // as causes: what led to them says more
const TOGETHER_MS = 400 // facts of one decision arrive from several nodes within a few frames

export const lookOf = (kind: string): Look => LOOKS[kind] ?? ['cmd', '', 'brokers']

export function toneOf(fact: Fact): Tone {
  if (fact.kind === 'LeaderElected' && fact.leader < 0) return 'bad'
  return lookOf(fact.kind)[1]
}

export const sentenceOf = (facts: Fact[]) => {
  const first = facts[0]!
  return text.sentences[first.kind]?.(first, facts) ?? first.kind
}

export const causeLabel = (fact: Fact) => text.causes[fact.kind]?.(fact) ?? fact.kind

const subject = (fact: Fact) => {
  if (fact.kind.startsWith('Client')) return `${fact.client_id} ${fact.address}`
  if (fact.kind.startsWith('Log') || fact.kind === 'SegmentRolled') return String(fact.node)
  return ''
}

function belongs(story: Fact[], fact: Fact): boolean {
  const first = story[0]!
  const grouped = ['LeaderElected', 'IsrShrunk', 'IsrExpanded', 'LogRecovered', 'LogTruncated', 'SegmentRolled', 'ClientConnected', 'ClientDisconnected']
  return grouped.includes(fact.kind) && first.kind === fact.kind && subject(first) === subject(fact) &&
    Math.abs(fact.at_ms - first.at_ms) < TOGETHER_MS && sameShape(first, fact)
}

/** A new coordinator tells again what it has read: that it took over is the news. */
function isRetold(fact: Fact, byNumber: Map<number, Fact>): boolean {
  if (fact.kind === 'GroupLoaded') return fact.groups.length === 0
  return fact.causes.some((number) => byNumber.get(number)?.kind === 'GroupLoaded')
}

const sameShape = (a: Fact, b: Fact) => {
  if (a.kind === 'LeaderElected') return (a.leader < 0) === (b.leader < 0)
  return !a.kind.startsWith('Isr') || (a.isr.length === b.isr.length && a.was.length === b.was.length)
}

/** Newest story first. `ours` are the client ids that the playground runs: their connections are no news. */
export function storiesOf(facts: Fact[], byNumber: Map<number, Fact>, ours: Set<string>, most = 80): Story[] {
  const cited = new Set(facts.flatMap((fact) => fact.causes))
  const started = new Set(facts.filter((fact) => fact.kind === 'AppStarted').map((fact) => fact.client as string))
  const told: Fact[][] = []
  const open = new Map<string, Fact[]>()
  for (let i = facts.length - 1; i >= 0 && told.length <= most; i--) {
    const fact = facts[i]!
    if (SILENT.has(fact.kind) || isRetold(fact, byNumber) || (STEPS.has(fact.kind) && cited.has(fact.number))) continue
    if (fact.kind === 'CommandGiven' && facts[i + 1]?.kind === 'CommandRefused') continue
    if (fact.kind.startsWith('Client') && (ours.has(fact.client_id) || started.has(fact.client_id) || isErrand(fact.client_id))) continue
    const near = open.get(fact.kind)
    if (near && belongs(near, fact)) near.unshift(fact)
    else {
      const story = [fact]
      open.set(fact.kind, story)
      told.push(story)
    }
  }
  return told.slice(0, most).map((story) => tell(story, byNumber))
}

function tell(facts: Fact[], byNumber: Map<number, Fact>): Story {
  const first = facts[0]!
  const [glyph, , theme] = lookOf(first.kind)
  return {
    key: first.number, facts, glyph, tone: toneOf(first), theme, sentence: sentenceOf(facts),
    causes: seenCauses(facts, byNumber), configs: Object.keys(first.configs ?? {}),
  }
}

/** The causes of a story, where unseen steps are replaced by what led to them; each once. */
export function seenCauses(facts: Fact[], byNumber: Map<number, Fact>, most = 3): Fact[] {
  const found = new Map<number, Fact>()
  const own = new Set(facts.map((fact) => fact.number))
  const walk = (number: number, depth: number) => {
    const cause = byNumber.get(number)
    if (!cause || own.has(number)) return
    const skipped = PASSED_OVER.has(cause.kind) && cause.causes.length > 0 && depth < 4
    if (skipped) cause.causes.forEach((next) => walk(next, depth + 1))
    else found.set(number, cause)
  }
  facts.forEach((fact) => fact.causes.forEach((number) => walk(number, 0)))
  const labels = new Set<string>()
  return [...found.values()].filter((fact) => {
    const label = causeLabel(fact)
    if (labels.has(label)) return false
    labels.add(label)
    return true
  }).slice(0, most)
}
