// What can be done with one thing on the map: the same list for the inspector's buttons and for the menu at the pointer. Pure.
// Rule: a deed that the cluster would refuse by its state is not in the list.

import { dataTopics } from './canvas/layout.ts'
import { lines } from './commands.ts'
import { brokerOf, partitionOf, topicOf, type Broker, type Client, type Cluster } from './model.ts'
import type { Form, Selection } from './store.svelte.ts'
import { text } from './text/text.ts'
import { isTroubled } from './troubles.ts'

export interface Deed {
  word: string
  line: string
  note?: string
  look?: '' | 'danger' | 'pri'
  opens?: Form // a form asks for the rest
}

const t = text.inspect

export function deedsOf(cluster: Cluster, thing: Selection): Deed[] {
  switch (thing.kind) {
    case 'broker': {
      const broker = brokerOf(cluster, thing.broker)
      return broker ? ofBroker(cluster, broker) : []
    }
    case 'partition': return ofPartition(cluster, thing.topic, thing.partition)
    case 'topic': return ofTopic(cluster, thing.topic)
    case 'group': return ofGroup(cluster, thing.group)
    case 'client': {
      const client = cluster.clients.find((one) => one.name === thing.client)
      return client?.ours ? ofClient(client) : []
    }
    default: return ofCluster(cluster)
  }
}

function ofBroker(cluster: Cluster, broker: Broker): Deed[] {
  const deed = (word: string, verb: Parameters<typeof lines.broker>[0], look: Deed['look'] = ''): Deed =>
    ({ word, line: lines.broker(verb, broker.id), note: t.notes[verb] ?? '', look })
  if (['down', 'stopped', 'added'].includes(broker.state)) {
    const holds = cluster.topics.some((topic) => topic.partitions.some((part) => part.replicas.includes(broker.id)))
    const start = deed(t.start, 'start', 'pri')
    const replace: Deed = { word: t.replace, line: lines.addBroker(broker.rack ?? '') }
    return broker.voter || holds ? [start, replace] : [start, deed(t.remove, 'remove'), replace]
  }
  const kill = deed(t.kill, 'kill', 'danger')
  if (broker.state === 'frozen') return [deed(t.thaw, 'thaw', 'pri'), kill]
  const freeze = deed(t.freeze, 'freeze')
  const heal: Deed[] = isTroubled(broker) ? [{ word: text.trouble.heal, line: lines.heal(broker.id), look: 'pri' }] : []
  if (broker.state === 'stopping') return [kill, freeze]
  return [kill, deed(t.stop, 'stop'), freeze, deed(t.restart, 'restart'), ...heal]
}

function ofPartition(cluster: Cluster, topic: string, index: number): Deed[] {
  const part = partitionOf(cluster, topic, index)
  if (!part) return []
  const id = `${topic}-${index}`
  const missing = part.replicas.filter((one) => !part.isr.includes(one)).map((one) => brokerOf(cluster, one))
  const gone = missing.find((one) => one && ['down', 'stopped'].includes(one.state))
  const deeds: Deed[] = gone ? [{ word: t.start, line: lines.broker('start', gone.id), look: 'pri' }] : []
  const preferred = part.replicas[0]!
  if (part.leader < 0) deeds.push({ word: t.electUnclean, line: lines.elect(id, 'unclean'), look: 'danger' })
  else if (part.leader !== preferred && part.isr.includes(preferred)) deeds.push({ word: t.elect, line: lines.elect(id, 'preferred') })
  if (part.leader >= 0) deeds.push({ word: t.kill, line: lines.broker('kill', part.leader), note: t.notes.kill!, look: 'danger' })
  return deeds
}

function ofTopic(cluster: Cluster, name: string): Deed[] {
  const topic = topicOf(cluster, name)
  if (!topic || topic.internal) return []
  return [
    { word: t.producer, line: `produce ${name} …`, opens: 'producer' },
    { word: t.consumer, line: `consume ${name} …`, opens: 'consumer' },
    { word: t.change, line: `set topic ${name} …`, opens: 'set' },
    { word: t.grow, line: lines.growTopic(name, String(topic.partitions.length + 1)), opens: 'grow' },
    { word: t.deleteTopic, line: lines.deleteTopic(name), look: 'danger' },
  ]
}

function ofGroup(cluster: Cluster, name: string): Deed[] {
  const group = cluster.groups.find((one) => one.name === name)
  if (!group) return []
  const topic = group.members[0]?.subscribed[0] ?? Object.keys(group.offsets)[0]
  const ours = (id: string) => cluster.clients.find((one) => one.ours && one.client_id === id)
  const first = group.members.map((member) => ours(member.client_id)).find((one) => one !== undefined)
  const deeds: Deed[] = topic ? [{ word: t.addMember, line: lines.consume(topic, '', { group: name, members: '1' }) }] : []
  if (!first) return deeds
  deeds.push({ word: t.close, line: lines.client('close', first.name) })
  if (first.state !== 'crashed') deeds.push({ word: t.crash, line: lines.client('crash', first.name), look: 'danger' })
  return deeds
}

function ofClient(client: Client): Deed[] {
  const dead = ['crashed', 'failed'].includes(client.state)
  const goes = client.state === 'running' || client.state === 'starting'
  const close: Deed = { word: t.close, line: lines.client('close', client.name) }
  const pause: Deed = { word: t.pause, line: lines.client('pause', client.name) }
  const resume: Deed = { word: t.resume, line: lines.client('resume', client.name), look: 'pri' }
  if (dead) return [resume, close]
  const change: Deed = { word: t.change, line: `change client ${client.name} …`, opens: 'change' }
  const crash: Deed = { word: t.crash, line: lines.client('crash', client.name), look: 'danger' }
  return [goes ? pause : resume, change, close, crash]
}

function ofCluster(cluster: Cluster): Deed[] {
  const moved = cluster.topics.some((topic) => topic.partitions.some((part) => part.leader >= 0 && part.leader !== part.replicas[0]))
  const clients: Deed[] = [
    { word: t.producer, line: 'produce …', opens: 'producer' }, { word: t.consumer, line: 'consume …', opens: 'consumer' },
  ]
  return [
    { word: t.add, line: lines.addBroker(emptiestRack(cluster)) },
    { word: t.createTopic, line: 'create topic …', opens: 'topic' },
    ...(dataTopics(cluster).length ? clients : []),
    ...(moved ? [{ word: t.elect, line: lines.electPreferred() }] : []),
  ]
}

/** The rack that has the fewest brokers. */
function emptiestRack(cluster: Cluster): string {
  const counts = new Map<string, number>()
  for (const broker of cluster.brokers) if (broker.rack) counts.set(broker.rack, (counts.get(broker.rack) ?? 0) + 1)
  return [...counts].sort((a, b) => a[1] - b[1] || a[0].localeCompare(b[0]))[0]?.[0] ?? ''
}

/** What a thing is called where its deeds are listed. */
export function nameOf(thing: Selection): string {
  switch (thing.kind) {
    case 'broker': return text.map.broker(thing.broker)
    case 'partition': return `${thing.topic}-${thing.partition}`
    case 'topic': return thing.topic
    case 'group': return thing.group
    case 'client': return thing.client
    default: return t.cluster
  }
}
