// Folds one fact into a snapshot. Pure: gives a new snapshot and shares what did not change.
// Rule: the twin of engine/sandbox/apply.py; tests/shared/apply_cases.json holds the two together.

import { FAULT_FOLDS, withoutLinks } from './apply_faults.ts'
import type { Broker, Client, Cluster, Fact, Group, Member, Partition, Quorum, Snapshot, Topic } from './model.ts'

export { applyTraffic } from './apply_traffic.ts'

const SESSION_TIMEOUT_MS = 9000 // Kafka's default of broker.session.timeout.ms

type Fold = (cluster: Cluster, fact: Fact) => Cluster

export function apply(snapshot: Snapshot, fact: Fact): Snapshot {
  const time = foldTime(snapshot.time, fact)
  const cluster = snapshot.clusters[0]
  const session_timeout_ms = Number(snapshot.profile.configs['broker.session.timeout.ms']?.[0] ?? SESSION_TIMEOUT_MS)
  const fold = fact.kind === 'BrokerAdded' ? (one: Cluster) => brokerAdded(one, fact, session_timeout_ms) : FOLDS[fact.kind]
  const clusters = cluster && fold ? [fold(cluster, fact), ...snapshot.clusters.slice(1)] : snapshot.clusters
  return { ...snapshot, number: fact.number, time, clusters }
}

function foldTime(time: Snapshot['time'], fact: Fact): Snapshot['time'] {
  if (fact.kind === 'ClusterPaused') return { ...time, paused: true }
  if (fact.kind === 'ClusterResumed') return { ...time, paused: false }
  if (fact.kind === 'ClusterSlowed') return { ...time, factor: fact.factor }
  return time
}

// ---- brokers: what a process does wins over what the controller thinks of it

function broker(cluster: Cluster, id: number, change: (broker: Broker) => Partial<Broker>): Cluster {
  const brokers = cluster.brokers.map((one) => (one.id === id ? { ...one, ...change(one) } : one))
  return { ...cluster, brokers }
}

const enters = (state: Broker['state']) => (cluster: Cluster, fact: Fact) =>
  broker(cluster, fact.broker, () => ({ state, since_ms: fact.at_ms }))

/** The process is gone: so is its number, and so are all connections to it. */
const ends = (state: Broker['state']): Fold => (cluster, fact) =>
  nodeGone(broker(cluster, fact.broker, () => ({ state, pid: null, since_ms: fact.at_ms })), fact.broker)

function brokerAdded(cluster: Cluster, fact: Fact, session_timeout_ms: number): Cluster {
  const added: Broker = {
    id: fact.broker, rack: fact.rack, state: 'added', pid: null, host: fact.host, port: fact.port, voter: fact.voter,
    incarnation: 0, epoch: -1, fenced: true, since_ms: fact.at_ms, log_bytes: 0, heartbeat_ms: null, session_timeout_ms,
  }
  const others = cluster.brokers.filter((one) => one.id !== fact.broker)
  const side = fact.voter ? 'voters' : 'observers'
  const quorum = without(cluster.quorum, fact.broker)
  const members = [...quorum[side], { id: fact.broker as number, log_end_offset: 0 }].sort((a, b) => a.id - b.id)
  const brokers = [...others, added].sort((a, b) => a.id - b.id)
  return addressed({ ...cluster, brokers, quorum: { ...quorum, [side]: members } })
}

/** What a client is told to connect to: every broker of the cluster. */
const addressed = (cluster: Cluster): Cluster => ({
  ...cluster, bootstrap_servers: cluster.brokers.map((one) => `${one.host}:${one.port}`).join(','),
})

const without = (quorum: Quorum, id: number): Quorum => ({
  ...quorum, voters: quorum.voters.filter((one) => one.id !== id), observers: quorum.observers.filter((one) => one.id !== id),
})

const brokerStarted: Fold = (cluster, fact) =>
  nodeGone(broker(cluster, fact.broker, () => ({
    state: 'starting', pid: fact.pid, incarnation: fact.started_as, since_ms: fact.at_ms,
  })), fact.broker)

const brokerThawed: Fold = (cluster, fact) =>
  broker(cluster, fact.broker, (one) => ({ state: one.fenced ? 'fenced' : 'up', since_ms: fact.at_ms }))

const brokerRegistered: Fold = (cluster, fact) =>
  broker(cluster, fact.broker, () => ({
    epoch: fact.broker_epoch, rack: fact.rack, host: fact.host, port: fact.port, fenced: true,
  }))

const brokerFenced: Fold = (cluster, fact) =>
  broker(cluster, fact.broker, (one) =>
    one.state === 'up' ? { fenced: true, state: 'fenced', since_ms: fact.at_ms } : { fenced: true })

const brokerUnfenced: Fold = (cluster, fact) =>
  broker(cluster, fact.broker, (one) => ({
    fenced: false, epoch: fact.broker_epoch,
    ...(one.state === 'starting' || one.state === 'fenced' ? { state: 'up' as const, since_ms: fact.at_ms } : {}),
  }))

const brokerRemoved: Fold = (cluster, fact) =>
  nodeGone(withoutLinks(addressed({
    ...cluster, brokers: cluster.brokers.filter((one) => one.id !== fact.broker), quorum: without(cluster.quorum, fact.broker),
  }), fact.broker), fact.broker)

// ---- quorum

const RUNNING = new Set<Broker['state']>(['starting', 'up', 'fenced', 'stopping'])

function controllerElected(cluster: Cluster, fact: Fact): Cluster {
  if (fact.epoch < cluster.controller_epoch) return cluster
  const ends = new Map(cluster.quorum.voters.map((voter) => [voter.id, voter.log_end_offset]))
  const voters = (fact.voters as number[]).map((id) => ({ id, log_end_offset: ends.get(id) ?? 0 }))
  const quorum = { ...cluster.quorum, leader: fact.leader, epoch: fact.epoch, voters }
  return { ...cluster, controller: fact.leader, controller_epoch: fact.epoch, quorum }
}

/** Lost when the controller says so, or when its process does not run; a node that only lost sight of it proves nothing. */
function controllerLost(cluster: Cluster, fact: Fact): Cluster {
  if (fact.leader !== cluster.controller || fact.epoch !== cluster.controller_epoch) return cluster
  const runs = cluster.brokers.some((one) => one.id === fact.leader && RUNNING.has(one.state))
  if (runs && fact.node !== fact.leader) return cluster
  return { ...cluster, controller: -1, quorum: { ...cluster.quorum, leader: -1 } }
}

// ---- topics

interface WirePartition {
  partition: number; leader: number; leader_epoch: number; partition_epoch: number
  replicas: number[]; isr: number[]; elr?: number[]
}

const fresh = (wire: WirePartition): Partition => ({
  partition: wire.partition, leader: wire.leader, leader_epoch: wire.leader_epoch, partition_epoch: wire.partition_epoch,
  replicas: wire.replicas, isr: wire.isr, elr: wire.elr ?? [], high_watermark: 0, log_start: 0, logs: {}, epochs: [],
})

function topicCreated(cluster: Cluster, fact: Fact): Cluster {
  // Told again by the next controller, because nobody knew whether the first one had told it.
  if (cluster.topics.some((one) => one.id === fact.topic_id)) return cluster
  const made: Topic = {
    name: fact.topic, id: fact.topic_id, internal: fact.internal ?? false, configs: fact.topic_configs,
    partitions: fact.partitions.map(fresh),
  }
  const topics = [...cluster.topics.filter((one) => one.name !== made.name), made]
  return { ...cluster, topics: topics.sort((a, b) => (a.name < b.name ? -1 : 1)) }
}

function topicDeleted(cluster: Cluster, fact: Fact): Cluster {
  return { ...cluster, topics: cluster.topics.filter((one) => one.name !== fact.topic) }
}

function topic(cluster: Cluster, name: string, change: (topic: Topic) => Topic): Cluster {
  return { ...cluster, topics: cluster.topics.map((one) => (one.name === name ? change(one) : one)) }
}

function partition(cluster: Cluster, fact: Fact, change: (partition: Partition) => Partial<Partition>): Cluster {
  // Two controllers may tell out of order: an older partition epoch changes nothing.
  const turn = (part: Partition): Partition => {
    const changes = change(part)
    return (changes.partition_epoch ?? part.partition_epoch) < part.partition_epoch ? part : { ...part, ...changes }
  }
  return topic(cluster, fact.topic, (one) => ({
    ...one, partitions: one.partitions.map((part) => (part.partition === fact.partition ? turn(part) : part)),
  }))
}

const partitionsAdded: Fold = (cluster, fact) =>
  topic(cluster, fact.topic, (one) => {
    const known = new Set(one.partitions.map((part) => part.partition))
    const added = (fact.partitions as WirePartition[]).filter((wire) => !known.has(wire.partition))
    return { ...one, partitions: [...one.partitions, ...added.map(fresh)] }
  })

const leaderElected: Fold = (cluster, fact) =>
  partition(cluster, fact, () => ({
    leader: fact.leader, leader_epoch: fact.leader_epoch, partition_epoch: fact.partition_epoch, isr: fact.isr,
    elr: fact.elr ?? [],
  }))

const isrChanged: Fold = (cluster, fact) =>
  partition(cluster, fact, () => ({ isr: fact.isr, partition_epoch: fact.partition_epoch, elr: fact.elr ?? [] }))

const recordsDeleted: Fold = (cluster, fact) => partition(cluster, fact, () => ({ log_start: fact.log_start_offset }))

function configChanged(cluster: Cluster, fact: Fact): Cluster {
  if (fact.resource !== 'topic') return cluster
  return topic(cluster, fact.name, (one) => {
    const configs = { ...one.configs }
    for (const [name, value] of Object.entries(fact.changes as Record<string, string | null>)) {
      if (value === null) delete configs[name]
      else configs[name] = value
    }
    return { ...one, configs }
  })
}

// ---- groups

/** What a coordinator says that was deposed, and does not know it yet, changes nothing. A new one tells all its members anew. */
function group(cluster: Cluster, fact: Fact, change: (group: Group) => Group, name: string = fact.group): Cluster {
  const known = cluster.groups.find((one) => one.name === name)
  const epoch: number | undefined = fact.coordinator_epoch
  if (known && epoch !== undefined && epoch < (known.coordinator_epoch ?? epoch)) return cluster
  const blank: Group = {
    name, state: 'Empty', protocol_type: '', protocol: '', generation: 0, coordinator: null, members: [], offsets: {},
  }
  const groups = known ? cluster.groups : [...cluster.groups, blank].sort((a, b) => (a.name < b.name ? -1 : 1))
  const anew = epoch !== undefined && epoch > (known?.coordinator_epoch ?? epoch) ? { members: [] } : {}
  const ofNow = epoch === undefined ? {} : { coordinator_epoch: epoch }
  return { ...cluster, groups: groups.map((one) => (one.name === name ? { ...change({ ...one, ...anew }), ...ofNow } : one)) }
}

/** The coordinator tells all members of a group that it has loaded; who is not among them is no member. */
const groupLoaded: Fold = (cluster, fact) =>
  (fact.groups as string[]).reduce(
    (all, name) => group(all, fact, (one) => ({ ...one, coordinator: fact.node, members: [] }), name), cluster,
  )

const groupStateChanged: Fold = (cluster, fact) =>
  group(cluster, fact, (one) => ({
    ...one, state: fact.state, generation: fact.generation, protocol_type: fact.protocol_type, protocol: fact.protocol,
    coordinator: fact.node,
  }))

const memberJoined: Fold = (cluster, fact) =>
  group(cluster, fact, (one) => {
    const before = one.members.find((member) => member.id === fact.member)
    const joined: Member = {
      id: fact.member, client_id: fact.client_id, host: fact.client_host, instance: fact.instance,
      subscribed: fact.subscribed, session_timeout_ms: fact.session_timeout_ms, assignment: before?.assignment ?? {},
    }
    const others = one.members.filter((member) => member.id !== fact.member)
    return { ...one, members: [...others, joined].sort((a, b) => (a.id < b.id ? -1 : 1)) }
  })

const memberLeft: Fold = (cluster, fact) =>
  group(cluster, fact, (one) => ({ ...one, members: one.members.filter((member) => member.id !== fact.member) }))

const groupRebalanced: Fold = (cluster, fact) =>
  group(cluster, fact, (one) => ({
    ...one, generation: fact.generation, protocol: fact.protocol,
    members: one.members.map((member) => ({ ...member, assignment: fact.assignment[member.id] ?? {} })),
  }))

const groupDeleted: Fold = (cluster, fact) => {
  const known = cluster.groups.find((one) => one.name === fact.group)
  if ((fact.coordinator_epoch ?? 0) < (known?.coordinator_epoch ?? 0)) return cluster
  return { ...cluster, groups: cluster.groups.filter((one) => one.name !== fact.group) }
}

// ---- clients

function client(cluster: Cluster, name: string, change: (client: Client) => Partial<Client>): Cluster {
  const clients = cluster.clients.map((one) => (one.ours && one.name === name ? { ...one, ...change(one) } : one))
  return { ...cluster, clients }
}

function appStarted(cluster: Cluster, fact: Fact): Cluster {
  const started: Client = {
    name: fact.client, app: fact.app, ours: true, state: 'running', topic: fact.topic, group: fact.group,
    settings: fact.settings, client_id: fact.client, software: '', software_version: '', address: '', connections: {},
    report: {},
  }
  return { ...cluster, clients: [...cluster.clients.filter((one) => !(one.ours && one.name === fact.client)), started] }
}

const appIs = (state: Client['state']): Fold => (cluster, fact) => client(cluster, fact.client, () => ({ state }))

const appChanged: Fold = (cluster, fact) =>
  client(cluster, fact.client, (one) => ({ settings: { ...one.settings, ...fact.changes } }))

const appFailed: Fold = (cluster, fact) =>
  client(cluster, fact.client, (one) => ({ state: 'failed', report: { ...one.report, last_error: fact.error } }))

const appClosed: Fold = (cluster, fact) => ({
  ...cluster, clients: cluster.clients.filter((one) => !(one.ours && one.name === fact.client)),
})

/** The playground's own errands have client ids that begin so: neither map nor feed shows them. */
export const isErrand = (client_id: string) => client_id.startsWith('playground-')

function clientConnected(cluster: Cluster, fact: Fact): Cluster {
  if (isErrand(fact.client_id)) return cluster
  const same = (one: Client) =>
    one.client_id === fact.client_id && (one.ours || (one.software === fact.software && one.address === fact.address))
  const node = String(fact.node)
  if (!cluster.clients.some(same)) {
    const stranger: Client = {
      name: fact.client_id, app: 'client', ours: false, state: 'running', topic: null, group: null, settings: {},
      client_id: fact.client_id, software: fact.software, software_version: fact.software_version, address: fact.address,
      connections: { [node]: 1 }, report: {},
    }
    return { ...cluster, clients: [...cluster.clients, stranger] }
  }
  const clients = cluster.clients.map((one) => {
    if (!same(one)) return one
    const connections = { ...one.connections, [node]: (one.connections[node] ?? 0) + 1 }
    return { ...one, connections, software: fact.software, software_version: fact.software_version, address: fact.address }
  })
  return { ...cluster, clients }
}

function clientDisconnected(cluster: Cluster, fact: Fact): Cluster {
  const node = String(fact.node)
  const clients = cluster.clients.map((one) => {
    if (one.client_id !== fact.client_id || one.address !== fact.address || !one.connections[node]) return one
    const connections = { ...one.connections, [node]: one.connections[node] - 1 }
    if (connections[node] === 0) delete connections[node]
    return { ...one, connections }
  })
  return { ...cluster, clients: stillSeen(clients) }
}

const stillSeen = (clients: Client[]) => clients.filter((one) => one.ours || Object.keys(one.connections).length > 0)

/** All connections to a node end with its process, told or not. */
function nodeGone(cluster: Cluster, node: number): Cluster {
  const key = String(node)
  if (!cluster.clients.some((one) => key in one.connections)) return cluster
  const clients = cluster.clients.map((one) => {
    const { [key]: _, ...connections } = one.connections
    return { ...one, connections }
  })
  return { ...cluster, clients: stillSeen(clients) }
}

const FOLDS: Record<string, Fold> = {
  BrokerRemoved: brokerRemoved, BrokerStarted: brokerStarted, BrokerFailed: ends('down'),
  BrokerKilled: ends('down'), BrokerStopping: enters('stopping'), BrokerStopped: ends('stopped'),
  BrokerFrozen: enters('frozen'), BrokerThawed: brokerThawed, BrokerRegistered: brokerRegistered,
  BrokerFenced: brokerFenced, BrokerUnfenced: brokerUnfenced,
  ControllerElected: controllerElected, ControllerLost: controllerLost,
  TopicCreated: topicCreated, TopicDeleted: topicDeleted, PartitionsAdded: partitionsAdded, LeaderElected: leaderElected,
  IsrShrunk: isrChanged, IsrExpanded: isrChanged, ConfigChanged: configChanged, RecordsDeleted: recordsDeleted,
  GroupLoaded: groupLoaded, GroupStateChanged: groupStateChanged, MemberJoined: memberJoined, MemberLeft: memberLeft,
  GroupRebalanced: groupRebalanced, GroupDeleted: groupDeleted,
  AppStarted: appStarted, AppChanged: appChanged, AppPaused: appIs('paused'), AppResumed: appIs('running'),
  AppCrashed: appIs('crashed'), AppClosed: appClosed, AppFailed: appFailed,
  ...FAULT_FOLDS,
  ClientConnected: clientConnected, ClientDisconnected: clientDisconnected,
}
