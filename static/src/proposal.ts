// Which line the command line offers for what is selected: the next thing that one would do with it.

import { lines } from './commands.ts'
import { brokerOf, clusterOf, topicOf, type Snapshot } from './model.ts'
import type { Selection } from './store.svelte.ts'

export function proposalFor(snapshot: Snapshot, selection: Selection): string {
  const cluster = clusterOf(snapshot)
  if (snapshot.time.paused) return lines.resume()
  switch (selection.kind) {
    case 'broker': {
      const state = brokerOf(cluster, selection.broker)?.state
      if (state === undefined) return ''
      if (state === 'frozen') return lines.broker('thaw', selection.broker)
      return lines.broker(['down', 'stopped', 'added'].includes(state) ? 'start' : 'kill', selection.broker)
    }
    case 'partition': {
      const part = topicOf(cluster, selection.topic)?.partitions[selection.partition]
      const away = part?.replicas.find((id) => !part.isr.includes(id))
      const gone = away !== undefined ? brokerOf(cluster, away) : undefined
      if (gone && ['down', 'stopped'].includes(gone.state)) return lines.broker('start', gone.id)
      return part && part.leader >= 0 ? lines.broker('kill', part.leader) : lines.electPreferred()
    }
    case 'topic': return lines.produce(selection.topic, '', { rate: '20' })
    case 'group': {
      const group = cluster.groups.find((one) => one.name === selection.group)
      const topic = group?.members[0]?.subscribed[0] ?? Object.keys(group?.offsets ?? {})[0]
      return topic ? lines.consume(topic, '', { group: selection.group, members: '1' }) : ''
    }
    case 'client': {
      const client = cluster.clients.find((one) => one.name === selection.client)
      if (!client?.ours) return ''
      return lines.client(client.state === 'running' ? 'crash' : 'resume', client.name)
    }
    default: {
      const down = cluster.brokers.find((one) => ['down', 'stopped'].includes(one.state))
      if (down) return lines.broker('start', down.id)
      return cluster.brokers[0] ? lines.broker('kill', cluster.brokers.at(-1)!.id) : ''
    }
  }
}
