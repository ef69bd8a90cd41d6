// The shapes of what the host publishes: snapshot, facts, frames. Names as on the wire.

export type BrokerState = 'added' | 'starting' | 'up' | 'fenced' | 'stopping' | 'stopped' | 'down' | 'frozen'
export type ClientState = 'starting' | 'running' | 'paused' | 'crashed' | 'closed' | 'failed'

export interface Broker {
  id: number
  rack: string | null
  state: BrokerState
  pid: number | null
  host: string
  port: number
  voter: boolean
  incarnation: number
  epoch: number
  fenced: boolean
  since_ms: number
  log_bytes: number
  heartbeat_ms: number | null
  session_timeout_ms: number
  links?: Link[] // those that are not whole; absent until the first was cut or slowed
  rules?: Rule[] // how its requests are treated on purpose; absent until the first
}

/** One end's view of a link. `to` null: all clients. */
export interface Link {
  to: number | null
  sends: boolean // does what this broker sends arrive?
  hears: boolean // does what they send arrive here?
  delay_ms: number // in each direction
}

/** `share` percent of the requests of an API are answered with `error`, wait for `delay_ms`, or are never answered. */
export interface Rule {
  api: string
  how: 'fail' | 'delay' | 'drop'
  error: string | null
  delay_ms: number
  share: number
}

export interface ReplicaLog {
  end: number
  hw: number
  start: number
  size: number
  segments: [base: number, bytes: number][]
}

export interface Partition {
  partition: number
  leader: number
  leader_epoch: number
  partition_epoch: number
  replicas: number[]
  isr: number[]
  elr: number[]
  high_watermark: number
  log_start: number
  logs: Record<string, ReplicaLog>
  epochs: [epoch: number, start: number][]
}

export interface Topic {
  name: string
  id: string
  internal: boolean
  configs: Record<string, string>
  partitions: Partition[]
}

export interface Member {
  id: string
  client_id: string
  host: string
  instance: string | null
  subscribed: string[]
  session_timeout_ms: number
  assignment: Record<string, number[]>
}

export interface Group {
  name: string
  state: string
  protocol_type: string
  protocol: string
  generation: number
  coordinator: number | null
  coordinator_epoch?: number
  members: Member[]
  offsets: Record<string, Record<string, number>>
}

export interface Report {
  acked?: number
  failed?: number
  retried?: number
  in_flight?: number
  ack_p50_ms?: number | null
  ack_p99_ms?: number | null
  rate?: number
  last_error?: string | null
  [more: string]: unknown
}

export interface Client {
  name: string
  app: string
  ours: boolean
  state: ClientState
  topic: string | null
  group: string | null
  settings: Record<string, unknown>
  client_id: string
  software: string
  software_version: string
  address: string
  connections: Record<string, number>
  report: Report
}

export interface Quorum {
  leader: number
  epoch: number
  high_watermark: number
  voters: { id: number; log_end_offset: number }[]
  observers: { id: number; log_end_offset: number }[]
}

export interface Cluster {
  id: string
  name: string
  bootstrap_servers: string
  controller: number
  controller_epoch: number
  quorum: Quorum
  brokers: Broker[]
  topics: Topic[]
  groups: Group[]
  clients: Client[]
}

export interface Snapshot {
  version: number
  number: number
  at_ms: number
  sandbox: string
  time: { paused: boolean; factor: number }
  profile: { name: string; configs: Record<string, [value: unknown, kafka: unknown]> }
  clusters: Cluster[]
}

/** A fact on the wire: what every fact has, and the fields of its kind. */
export interface Fact {
  number: number
  kind: string
  id: string
  node: number
  incarnation: number
  at_ms: number
  causes: number[]
  configs: Record<string, unknown>
  // Each kind has fields of its own (engine/events/facts.py); readers name the ones that they use.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  [field: string]: any
}

export type Moved = [client: string, topic: string, partition: number, records: number, bytes: number]

/** What a fact of one kind makes of the cluster. */
export type Fold = (cluster: Cluster, fact: Fact) => Cluster

/** Records by client and topic. */
export type Counts = Record<string, Record<string, number>>

/** One of the last minute's seconds, as the host counted it; the lag is that of its end. */
export interface Second {
  second: number
  produced: Counts
  consumed: Counts
  lag: number
}

export interface Traffic {
  offsets?: Record<string, Record<string, Record<string, [end: number, hw: number, start: number]>>>
  epochs?: Record<string, Record<string, [number, number][]>>
  sizes?: Record<string, Record<string, Record<string, number>>>
  segments?: Record<string, Record<string, Record<string, [number, number][]>>>
  log_bytes?: Record<string, number>
  committed?: [group: string, topic: string, partition: number, offset: number][]
  appended?: Moved[]
  fetched?: Moved[]
  heartbeats?: Record<string, number>
  quorum?: { high_watermark?: number; ends?: Record<string, number> }
  reports?: Record<string, Report>
  requests?: Record<string, Record<string, number>>
}

export interface Frame {
  from: number
  number: number
  at_ms: number
  run?: string // which start of the host
  sequence?: number // of the frame in that run: what we confirm
  facts: Fact[]
  traffic: Traffic
}

export interface Outcome {
  id: string
  ok: boolean
  message: string
  number: number | null
}

/** The first cluster: a sandbox shows one until mirroring brings a second. */
export const clusterOf = (snapshot: Snapshot): Cluster => snapshot.clusters[0]!
export const brokerOf = (cluster: Cluster, id: number) => cluster.brokers.find((broker) => broker.id === id)
export const topicOf = (cluster: Cluster, name: string) => cluster.topics.find((topic) => topic.name === name)
export const partitionOf = (cluster: Cluster, topic: string, index: number) =>
  topicOf(cluster, topic)?.partitions.find((partition) => partition.partition === index)

/** Links of it are cut: from brokers, from clients, or both. */
export const cutFrom = (broker: Broker | undefined) => (broker?.links ?? []).filter((link) => !link.sends || !link.hears)

/** A broker whose process is gone or stands still: nothing moves inside it. */
export const isDark = (broker: Broker | undefined) =>
  broker === undefined || ['down', 'stopped', 'added'].includes(broker.state)
export const answers = (broker: Broker | undefined) =>
  broker !== undefined && ['up', 'stopping', 'fenced', 'starting'].includes(broker.state)
