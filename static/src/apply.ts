// Folds one fact into a snapshot. Pure: gives a new snapshot and shares what did not change.
// Rule: the twin of engine/sandbox/apply.py; tests/shared/apply_cases.json holds the two together.

import { CLIENT_FOLDS, nodeGone } from './apply_clients.ts'
import { FAULT_FOLDS, withoutLinks } from './apply_faults.ts'
import { GROUP_FOLDS } from './apply_groups.ts'
import { TOPIC_FOLDS } from './apply_topics.ts'
import type { Broker, Cluster, Fact, Fold, Quorum, Snapshot } from './model.ts'

export { applyTraffic } from './apply_traffic.ts'

const SESSION_TIMEOUT_MS = 9000 // Kafka's default of broker.session.timeout.ms

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

const FOLDS: Record<string, Fold> = {
  BrokerRemoved: brokerRemoved, BrokerStarted: brokerStarted, BrokerFailed: ends('down'),
  BrokerKilled: ends('down'), BrokerStopping: enters('stopping'), BrokerStopped: ends('stopped'),
  BrokerFrozen: enters('frozen'), BrokerThawed: brokerThawed, BrokerRegistered: brokerRegistered,
  BrokerFenced: brokerFenced, BrokerUnfenced: brokerUnfenced,
  ControllerElected: controllerElected, ControllerLost: controllerLost,
  ...TOPIC_FOLDS, ...GROUP_FOLDS, ...CLIENT_FOLDS, ...FAULT_FOLDS,
}
