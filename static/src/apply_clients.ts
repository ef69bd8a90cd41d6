// The part of the fold that is about clients, ours and others. Pure.
// Rule: the twin of engine/sandbox/apply_clients.py; tests/shared/apply_cases.json holds the two together.

import type { Client, Cluster, Fact, Fold } from './model.ts'

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
export function nodeGone(cluster: Cluster, node: number): Cluster {
  const key = String(node)
  if (!cluster.clients.some((one) => key in one.connections)) return cluster
  const clients = cluster.clients.map((one) => {
    const { [key]: _, ...connections } = one.connections
    return { ...one, connections }
  })
  return { ...cluster, clients: stillSeen(clients) }
}

export const CLIENT_FOLDS: Record<string, Fold> = {
  AppStarted: appStarted, AppChanged: appChanged, AppPaused: appIs('paused'), AppResumed: appIs('running'),
  AppCrashed: appIs('crashed'), AppClosed: appClosed, AppFailed: appFailed,
  ClientConnected: clientConnected, ClientDisconnected: clientDisconnected,
}
