// A stand-in for the host: a small cluster that answers commands with facts of the real kinds, for work on the screen.
// Never part of the build. It knows just enough Kafka to look alive; the engine knows the rest.

import { apply, applyTraffic } from '../apply.ts'
import { clusterOf, isDark, type Cluster, type Fact, type Frame, type Moved, type Partition, type Snapshot, type Traffic } from '../model.ts'

type Loose = Record<string, unknown>

export class ModelCluster {
  snapshot: Snapshot
  facts: Fact[] = []
  private fresh: Fact[] = []
  private seed = 7
  private later: { at: number; run: () => void }[] = []
  private carried = new Map<string, number>()
  private position = new Map<string, number>()
  now = Date.now()

  constructor(brokers: number, topics: Record<string, [partitions: number, replication: number]>) {
    const configs: Record<string, [unknown, unknown]> = { 'broker.session.timeout.ms': [800, 9000], 'broker.heartbeat.interval.ms': [200, 2000], 'replica.lag.time.max.ms': [3000, 30000], 'session.timeout.ms': [6000, 45000] }
    const servers = Array.from({ length: brokers }, (_, i) => `localhost:${9092 + i}`).join(',')
    this.snapshot = {
      version: 1, number: 0, at_ms: this.now, sandbox: 'main', time: { paused: false, factor: 1 }, profile: { name: 'demo', configs },
      clusters: [{ id: '5L6g3nShT-eMCtK--X86sw', name: 'main', bootstrap_servers: servers, controller: -1, controller_epoch: 0, quorum: { leader: -1, epoch: 0, high_watermark: 0, voters: [], observers: [] }, brokers: [], topics: [], groups: [], clients: [] }],
    }
    for (let id = 1; id <= brokers; id++) {
      const added = this.tell('BrokerAdded', { broker: id, rack: 'abc'[(id - 1) % 3], host: 'localhost', port: 9091 + id, voter: id <= 3 })
      this.boot(id, added)
    }
    this.tell('ControllerElected', { leader: 1, epoch: 7, voters: [1, 2, 3].slice(0, brokers) }, [], 1)
    this.tell('TopicCreated', { topic: '__consumer_offsets', topic_id: 'i0', internal: true, topic_configs: {}, partitions: this.spread(brokers, 5, 3) })
    for (const [topic, [partitions, replication]] of Object.entries(topics)) {
      this.tell('TopicCreated', { topic, topic_id: `id-${topic}-AAAAAAAAAA`, internal: false, topic_configs: { 'min.insync.replicas': '2' }, partitions: this.spread(brokers, partitions, replication) })
    }
    this.fresh = []
  }

  get cluster(): Cluster {
    return clusterOf(this.snapshot)
  }

  chance() {
    this.seed = (this.seed * 1103515245 + 12345) & 0x7fffffff
    return this.seed / 0x7fffffff
  }

  tell(kind: string, fields: Loose, causes: Fact[] = [], node = 0, configs: Loose = {}): Fact {
    const number = this.snapshot.number + 1
    const fact: Fact = { number, kind, id: `${node}.1.${number}`, node, incarnation: 1, at_ms: this.now, causes: causes.map((cause) => cause.number), configs, ...fields }
    this.snapshot = apply(this.snapshot, fact)
    this.facts.push(fact)
    this.fresh.push(fact)
    return fact
  }

  after(ms: number, run: () => void) {
    this.later.push({ at: this.now + ms * this.snapshot.time.factor, run })
  }

  private spread(brokers: number, partitions: number, replication: number) {
    return Array.from({ length: partitions }, (_, p) => {
      const shift = Math.floor(p / brokers)
      const replicas = Array.from({ length: Math.min(replication, brokers) }, (_, r) => ((p + (r === 0 ? 0 : 1 + ((shift + r - 1) % (brokers - 1)))) % brokers) + 1)
      return { partition: p, leader: replicas[0]!, leader_epoch: 0, partition_epoch: 0, replicas, isr: replicas, elr: [] }
    })
  }

  private boot(id: number, cause: Fact) {
    const before = this.cluster.brokers.find((one) => one.id === id)!.incarnation
    const started = this.tell('BrokerStarted', { broker: id, pid: 48200 + Math.floor(this.chance() * 900), started_as: before + 1 }, [cause])
    const registered = this.tell('BrokerRegistered', { broker: id, broker_epoch: 10 + before, rack: 'abc'[(id - 1) % 3], host: 'localhost', port: 9091 + id }, [started], 1)
    this.tell('BrokerUnfenced', { broker: id, broker_epoch: 10 + before }, [registered], 1)
    return registered
  }

  command(line: string, door: string): { ok: boolean; message: string; number: number } {
    const words = line.split(/\s+/)
    const given = this.tell('CommandGiven', { line, verb: words.slice(0, 2).join(' '), by: 'you', door })
    const refuse = (message: string) => {
      this.tell('CommandRefused', { line, message }, [given])
      return { ok: false, message, number: given.number }
    }
    const ok = { ok: true, message: 'done', number: given.number }
    const id = Number(words[2])
    const broker = this.cluster.brokers.find((one) => one.id === id)
    if (words[1] === 'broker' && words[0] !== 'add' && !broker) return refuse(`there is no broker ${words[2]}`)
    if (line === 'pause') this.tell('ClusterPaused', {}, [given])
    else if (line === 'resume') this.tell('ClusterResumed', {}, [given])
    else if (words[0] === 'slow') this.tell('ClusterSlowed', { factor: Number(words[1]!.split('/')[1] ?? 1) }, [given])
    else if (line.startsWith('kill broker')) {
      if (!broker!.pid) return refuse(`broker ${id} is down already`)
      const killed = this.tell('BrokerKilled', { broker: id, pid: broker!.pid }, [given])
      this.after(1370, () => this.expire(id, killed))
    } else if (line.startsWith('freeze')) {
      const frozen = this.tell('BrokerFrozen', { broker: id, pid: broker!.pid }, [given])
      this.after(1370, () => this.cluster.brokers.find((one) => one.id === id)!.state === 'frozen' && this.expire(id, frozen))
    } else if (line.startsWith('thaw')) {
      this.tell('BrokerThawed', { broker: id, pid: broker!.pid }, [given])
      this.after(300, () => this.rejoin(id, this.tell('BrokerUnfenced', { broker: id, broker_epoch: 20 }, [], 1)))
    } else if (line.startsWith('start broker')) {
      const registered = this.boot(id, given)
      this.after(700, () => this.rejoin(id, registered))
    } else if (line.startsWith('stop broker')) {
      const stopping = this.tell('BrokerStopping', { broker: id, pid: broker!.pid }, [given])
      const asked = this.tell('ControlledShutdownBegan', { broker: id, leaders: 2 }, [stopping], 1)
      this.after(600, () => {
        this.leave(id, asked, 'shutdown')
        this.tell('BrokerStopped', { broker: id, pid: broker!.pid }, [stopping])
      })
    } else if (line === 'elect preferred leaders') this.preferred(given)
    else if (line.startsWith('add broker')) {
      const next = Math.max(...this.cluster.brokers.map((one) => one.id)) + 1
      this.boot(next, this.tell('BrokerAdded', { broker: next, rack: words[2]?.split('=')[1] ?? null, host: 'localhost', port: 9091 + next, voter: false }, [given]))
    } else if (line.startsWith('produce')) this.produce(words, given)
    else if (line.startsWith('consume')) this.consume(words, given)
    else if (line.startsWith('crash client')) this.tell('AppCrashed', { client: words[2] }, [given])
    else if (line.startsWith('close client')) {
      const closed = this.tell('AppClosed', { client: words[2] }, [given])
      this.leaveGroup(words[2]!, closed)
    } else if (line.startsWith('pause client')) this.tell('AppPaused', { client: words[2] }, [given])
    else if (line.startsWith('resume client')) this.tell('AppResumed', { client: words[2] }, [given])
    else return refuse(`there is no command "${words.slice(0, 2).join(' ')}"`)
    return ok
  }

  private each(run: (topic: string, part: Partition) => void) {
    for (const topic of this.cluster.topics) for (const part of topic.partitions) run(topic.name, part)
  }

  private expire(id: number, cause: Fact) {
    const expired = this.tell('SessionExpired', { broker: id, silent_ms: 800 }, [cause], 1, { 'broker.session.timeout.ms': 800 })
    this.leave(id, expired, 'session')
    if (this.cluster.controller === id) {
      const next = this.cluster.brokers.find((one) => one.voter && one.state === 'up')
      if (next) this.tell('ControllerElected', { leader: next.id, epoch: this.cluster.controller_epoch + 1, voters: [1, 2, 3] }, [cause], next.id)
    }
  }

  private leave(id: number, cause: Fact, reason: string) {
    let n = 0
    this.each((_, part) => { if (part.isr.includes(id)) n++ })
    const fenced = this.tell('BrokerFenced', { broker: id, broker_epoch: 11, partitions: n, reason }, [cause], 1)
    this.each((topic, part) => {
      if (!part.isr.includes(id)) return
      const isr = part.isr.filter((one) => one !== id)
      const left = isr.length ? isr : part.isr
      this.tell('IsrShrunk', { topic, partition: part.partition, isr: left, was: part.isr, partition_epoch: part.partition_epoch + 1, reason: 'fenced' }, [fenced], 1)
      if (part.leader !== id) return
      const leader = part.replicas.find((one) => isr.includes(one)) ?? -1
      this.elect(topic, part, leader, left, fenced, leader < 0 ? 'none' : 'in-sync', { 'unclean.leader.election.enable': false })
    })
  }

  private elect(topic: string, part: Partition, leader: number, isr: number[], cause: Fact, how: string, configs: Loose = {}) {
    this.tell('LeaderElected', { topic, partition: part.partition, leader, was_leader: part.leader, leader_epoch: part.leader_epoch + 1, was_leader_epoch: part.leader_epoch, partition_epoch: part.partition_epoch + 2, isr, elr: [], how }, [cause], 1, configs)
    const end = part.logs[leader]?.end ?? 0
    this.snapshot = applyTraffic(this.snapshot, { epochs: { [topic]: { [part.partition]: [...(part.epochs.length ? part.epochs : [[part.leader_epoch, 0] as [number, number]]), [part.leader_epoch + 1, end]] } } })
  }

  private rejoin(id: number, cause: Fact) {
    this.each((topic, part) => {
      if (!part.replicas.includes(id) || part.isr.includes(id)) return
      const isr = part.replicas.filter((one) => one === id || part.isr.includes(one))
      this.tell('IsrExpanded', { topic, partition: part.partition, isr, was: part.isr, partition_epoch: part.partition_epoch + 1 }, [cause], part.leader)
      if (part.leader < 0) this.elect(topic, part, id, isr, cause, 'in-sync')
    })
  }

  private preferred(cause: Fact) {
    this.each((topic, part) => {
      if (part.leader !== part.replicas[0] && part.isr.includes(part.replicas[0]!)) this.elect(topic, part, part.replicas[0]!, part.isr, cause, 'preferred')
    })
  }

  // ---- clients

  private produce(words: string[], cause: Fact) {
    const options = Object.fromEntries(words.filter((word) => word.includes('=')).map((word) => word.split('=')))
    const name = words[words.indexOf('as') + 1] ?? `producer-${this.cluster.clients.length + 1}`
    this.tell('AppStarted', { client: name, app: 'producer', topic: words[1], group: null, settings: { rate: 20, keys: 50, size: 100, acks: 'all', linger: 0, idempotence: true, compression: 'none', ...options } }, [cause])
  }

  private consume(words: string[], cause: Fact) {
    const options = Object.fromEntries(words.filter((word) => word.includes('=')).map((word) => word.split('='))) as Record<string, string>
    const group = options.group!
    const have = this.cluster.groups.find((one) => one.name === group)?.members.length ?? 0
    let joined = cause
    for (let i = 1; i <= Number(options.members ?? 1); i++) {
      const name = `${group}-${have + i}`
      const started = this.tell('AppStarted', { client: name, app: 'consumer', topic: words[1], group, settings: { assignor: 'range', poll: 100, commit: 'auto' } }, [cause])
      joined = this.tell('MemberJoined', { group, member: `${name}-4f0c2f6e-1111-4222-8333-${String(100000000000 + have + i)}`, client_id: name, client_host: '127.0.0.1', instance: null, subscribed: [words[1]!], session_timeout_ms: 6000 }, [started], 2)
    }
    this.rebalance(group, words[1]!, joined, `${group}-${have + 1} joined`)
  }

  private leaveGroup(client: string, cause: Fact) {
    for (const group of this.cluster.groups) {
      const member = group.members.find((one) => one.client_id === client)
      if (!member) continue
      const left = this.tell('MemberLeft', { group: group.name, member: member.id, reason: 'left' }, [cause], 2)
      this.rebalance(group.name, member.subscribed[0]!, left, `${client} left`)
    }
  }

  rebalance_ms = 30
  private rebalance(group: string, topic: string, cause: Fact, reason: string) {
    const now = this.cluster.groups.find((one) => one.name === group)!
    const began = this.tell('RebalanceBegan', { group, generation: now.generation + 1, reason }, [cause], 2)
    this.tell('GroupStateChanged', { group, state: 'PreparingRebalance', was: now.state, generation: now.generation, protocol_type: 'consumer', protocol: 'range' }, [began], 2)
    const end = () => {
      const members = this.cluster.groups.find((one) => one.name === group)!.members
      const count = this.cluster.topics.find((one) => one.name === topic)!.partitions.length
      const size = Math.ceil(count / Math.max(1, members.length))
      const assignment = Object.fromEntries(members.map((member, i) => [member.id, { [topic]: Array.from({ length: count }, (_, p) => p).slice(i * size, (i + 1) * size) }]))
      this.tell('GroupRebalanced', { group, generation: now.generation + 1, leader: members[0]?.id ?? '', protocol: 'range', assignment }, [began], 2)
      this.tell('GroupStateChanged', { group, state: members.length ? 'Stable' : 'Empty', was: 'CompletingRebalance', generation: now.generation + 1, protocol_type: 'consumer', protocol: 'range' }, [began], 2)
    }
    if (this.rebalance_ms <= 30) end()
    else this.after(this.rebalance_ms, end)
  }

  // ---- one beat of time: records, heartbeats, what was planned; gives the frame

  beat(ms: number): Frame {
    const from = this.snapshot.number - this.fresh.length
    const { paused, factor } = this.snapshot.time
    let traffic: Traffic = {}
    if (!paused) {
      this.now += ms
      const due = this.later.filter((one) => one.at <= this.now)
      this.later = this.later.filter((one) => one.at > this.now)
      due.forEach((one) => one.run())
      traffic = this.traffic(ms / factor)
    }
    this.snapshot = { ...applyTraffic(this.snapshot, traffic), at_ms: this.now }
    const facts = this.fresh
    this.fresh = []
    return { from, number: this.snapshot.number, at_ms: this.now, facts, traffic }
  }

  private traffic(ms: number): Traffic {
    const cluster = this.cluster
    const offsets: NonNullable<Traffic['offsets']> = {}
    const appended: Moved[] = []
    const fetched: Moved[] = []
    const committed: NonNullable<Traffic['committed']> = []
    const alive = (id: number) => !isDark(cluster.brokers.find((one) => one.id === id)) && cluster.brokers.find((one) => one.id === id)!.state !== 'frozen'
    const put = (topic: string, part: Partition, broker: number, log: [number, number, number]) => ((offsets[topic] ??= {})[part.partition] ??= {})[broker] = log
    for (const client of cluster.clients.filter((one) => one.app === 'producer' && one.state === 'running')) {
      const topic = cluster.topics.find((one) => one.name === client.topic)
      for (const part of topic?.partitions ?? []) {
        const key = `${client.name} ${part.partition}`
        const due = (this.carried.get(key) ?? this.chance()) + ((Number(client.settings.rate) / topic!.partitions.length) * ms * (0.6 + 0.8 * this.chance())) / 1000
        const n = part.leader >= 0 && alive(part.leader) ? Math.floor(due) : 0
        this.carried.set(key, Math.min(due - n, 12))
        if (n) {
          appended.push([client.client_id, topic!.name, part.partition, n, n * 100])
          const log = part.logs[part.leader] ?? { end: 200, hw: 200, start: 0 }
          put(topic!.name, part, part.leader, [log.end + n, log.hw, 0])
        }
      }
    }
    this.each((topic, part) => {
      const lead = part.logs[part.leader]
      if (!lead || part.leader < 0 || !alive(part.leader)) return
      const now = offsets[topic]?.[part.partition]?.[part.leader]?.[0] ?? lead.end
      for (const id of part.replicas) {
        const end = part.logs[id]?.end ?? 0
        if (id !== part.leader && alive(id) && end < lead.end) put(topic, part, id, [Math.min(lead.end, Math.max(end + 4, lead.end - 40)), lead.hw, 0])
      }
      const hw = Math.max(lead.hw, Math.min(...part.isr.map((id) => part.logs[id]?.end ?? 0)))
      if (hw !== lead.hw || now !== lead.end) put(topic, part, part.leader, [now, hw, 0])
      for (const group of cluster.groups) {
        const member = group.members.find((one) => one.assignment[topic]?.includes(part.partition))
        const client = cluster.clients.find((one) => one.client_id === member?.client_id)
        if (!member || client?.state !== 'running' || /Rebalance/.test(group.state)) continue
        const key = `${group.name} ${topic} ${part.partition}`
        const at = this.position.get(key) ?? hw
        if (hw > at) fetched.push([member.client_id, topic, part.partition, hw - at, 100 * (hw - at)])
        this.position.set(key, hw)
        if (this.chance() < 0.08 || group.offsets[topic]?.[part.partition] === undefined) committed.push([group.name, topic, part.partition, hw])
      }
    })
    const heartbeats = Object.fromEntries(cluster.brokers.filter((one) => alive(one.id) && (this.now - (one.heartbeat_ms ?? 0)) >= 300).map((one) => [one.id, this.now]))
    const hw = cluster.quorum.high_watermark + (this.chance() < 0.1 ? 1 : 0)
    const ends = Object.fromEntries(cluster.quorum.voters.filter((one) => alive(one.id)).map((one) => [one.id, hw - (one.id === cluster.controller ? 0 : Math.round(this.chance()))]))
    const reports = Object.fromEntries(cluster.clients.filter((one) => one.ours && one.app === 'producer').map((one) => [one.name, { acked: (one.report.acked ?? 0) + appended.filter(([id]) => id === one.client_id).reduce((sum, [, , , n]) => sum + n, 0), failed: 0, retried: 0, in_flight: 1, ack_p50_ms: 1.1, ack_p99_ms: 3.1, rate: 20, last_error: null }]))
    return { offsets, appended, fetched, committed, heartbeats, log_bytes: Object.fromEntries(cluster.brokers.map((one) => [one.id, 6_200_000])), quorum: { high_watermark: hw, ends }, reports }
  }
}
