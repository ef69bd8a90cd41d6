// Every word that the screen shows, in English. A second language is a second file of this shape.
// `**x**` is bold and `` `x` `` monospaced (rich.ts); nothing here is ever HTML.

import { count, ranges, span } from '../format.ts'
import type { Fact, Rule } from '../model.ts'

const s = (n: number, one: string, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`
const list = (ids: number[]) => ids.join(', ') || 'nobody'
const part = (fact: Fact) => `${fact.topic}-${fact.partition}`

/** The other side of links: brokers, all clients, or both. */
const farSide = (fact: Fact) =>
  [fact.others.length ? `broker ${list(fact.others)}` : '', fact.clients ? 'all clients' : ''].filter(Boolean).join(' and ')

const treats = (fact: Fact) => {
  const which = fact.share === 100 ? `every ${fact.api}` : `${fact.share} % of ${fact.api}`
  if (fact.how === 'fail') return `answers ${which} with \`${fact.error}\``
  return fact.how === 'delay' ? `lets ${which} wait for ${span(fact.delay_ms)}` : `takes ${which} and never answers`
}

const byWhom = (who: string, door: string) => (who === 'page' || who === door ? `by ${door}` : `${who}, by ${door}`)

const fencedFor: Record<string, string> = { session: 'its session ran out', shutdown: 'it asked to go', registration: 'it has to catch up first' }

/** One sentence for facts of one kind that belong together (usually one fact). `first` stands for them all. */
const sentences: Record<string, (first: Fact, all: Fact[]) => string> = {
  CommandGiven: (f) => `\`${f.line}\`, ${byWhom(f.by, f.door)}.`,
  CommandRefused: (f) => `\`${f.line}\` was refused: ${f.message}`,
  BrokerAdded: (f) => `**Broker ${f.broker}** joins the cluster${f.rack ? `, rack ${f.rack}` : ''}, port ${f.port}.`,
  BrokerRemoved: (f) => `**Broker ${f.broker}** has left the cluster for good.`,
  BrokerStarted: (f) => `**Broker ${f.broker}** started, incarnation ${f.started_as}, pid ${f.pid}.`,
  BrokerFailed: (f) => `**Broker ${f.broker} failed**: ${f.reason}`,
  BrokerKilled: (f) => `**Broker ${f.broker} killed** by SIGKILL, pid ${f.pid}.`,
  BrokerStopping: (f) => `**Broker ${f.broker}** stops by controlled shutdown; its leaders move first.`,
  BrokerStopped: (f) => `**Broker ${f.broker}** stopped; its process has ended.`,
  BrokerFrozen: (f) => `**Broker ${f.broker} frozen** by SIGSTOP; its connections stay open.`,
  BrokerThawed: (f) => `**Broker ${f.broker}** thawed, goes on where it stood.`,
  ClusterPaused: () => 'Paused: all clocks of the cluster stand still, clients wait.',
  ClusterResumed: () => 'Resumed: the clocks go on from where they stood.',
  ClusterSlowed: (f) => (f.factor === 1 ? 'Full speed again.' : `The cluster runs at ×1/${f.factor} now.`),
  LinkCut: (f) => f.both_ways ? `**Broker ${f.broker} cut off** from ${farSide(f)}: nothing passes, connections stay open.` : `What **broker ${f.broker}** sends to ${farSide(f)} does not arrive any more.`,
  LinkSlowed: (f) => `Whatever passes between **broker ${f.broker}** and ${farSide(f)} takes ${span(f.delay_ms)} longer each way.`,
  LinksHealed: (f) => `${f.broker === null ? 'All links' : `The links of **broker ${f.broker}**`} are whole again; what waited goes on.`,
  RequestsIntercepted: (f) => `**Broker ${f.broker}** ${treats(f)}, on purpose.`,
  InterceptionEnded: (f) => `${f.broker === null ? 'All brokers treat' : `**Broker ${f.broker}** treats`} requests as they should again.`,
  VoteRequested: (f) => `Node ${f.candidate} asks for the metadata log in epoch ${f.epoch}${f.pre_vote ? ' (pre-vote)' : ''}: ${f.reason}.`,
  ControllerElected: (f) => `**Broker ${f.leader}** is the active controller, epoch ${f.epoch}.`,
  ControllerLost: (f) => (f.node === f.leader || f.node === 0 ? `Controller ${f.leader} is lost (epoch ${f.epoch}): ${f.reason}.` : `Node ${f.node} lost sight of controller ${f.leader} (epoch ${f.epoch}): ${f.reason}.`),
  BrokerRegistered: (f) => `**Broker ${f.broker}** registered with the controller; fenced until it has caught up.`,
  BrokerUnfenced: (f) => `**Broker ${f.broker}** has caught up with the metadata and may lead.`,
  SessionExpired: (f) => `The controller had heard nothing from broker ${f.broker} for ${span(f.silent_ms)}.`,
  BrokerFenced: (f) => `Controller fenced **broker ${f.broker}**: ${fencedFor[f.reason] ?? f.reason}.${f.partitions ? ` It leaves the ISR of ${s(f.partitions, 'partition')}.` : ''}`,
  ControlledShutdownBegan: (f) => `**Broker ${f.broker}** asked to go; ${s(f.leaders, 'leader')} move away first.`,
  BrokerUnregistered: (f) => `The controller forgot broker ${f.broker}.`,
  TopicCreated: (f) => `Topic **${f.topic}** created: ${s(f.partitions.length, 'partition')}, ${s(f.partitions[0]?.replicas.length ?? 0, 'replica')} each.`,
  TopicDeleted: (f) => `Topic **${f.topic}** deleted; its folders are removed.`,
  PartitionsAdded: (f) => `Topic **${f.topic}** grew by ${s(f.partitions.length, 'partition')}.`,
  LeaderElected: (_, all) => {
    const told = [...all].sort((a, b) => Number(a.topic.startsWith('__')) - Number(b.topic.startsWith('__')))
    const moved = told.slice(0, 4).map((f) => (f.leader < 0 ? `**${part(f)}** → no leader` : `**${part(f)}** → broker ${f.leader}`))
    const epochs = new Set(all.map((f) => `${f.was_leader_epoch} → ${f.leader_epoch}`))
    const how = all.every((f) => f.how === 'preferred') ? 'Leaders back where they belong: ' : ''
    const more = all.length > 4 ? ` and ${all.length - 4} more` : ''
    return `${how}${moved.join(', ')}${more}.${epochs.size === 1 ? ` Epoch ${[...epochs][0]}.` : ''}`
  },
  IsrShrunk: (f, all) => all.length === 1
    ? `ISR of **${part(f)}** ${f.was.length} → ${f.isr.length}: now ${list(f.isr)}.`
    : `ISR ${f.was.length} → ${f.isr.length} on **${all.length} partitions**.`,
  IsrExpanded: (f, all) => all.length === 1
    ? `Caught up: ISR of **${part(f)}** ${f.was.length} → ${f.isr.length}.`
    : `Caught up: ISR ${f.was.length} → ${f.isr.length} on **${all.length} partitions**.`,
  FollowerLagged: (f) => `**${part(f)}**: broker ${f.follower} is behind for ${span(f.behind_ms)} (${s(f.behind_records, 'record')}).`,
  ConfigChanged: (f) => `Config of ${f.resource} **${f.name}**: ${Object.entries(f.changes).map(([k, v]) => `\`${k}\` ${v === null ? 'back to its default' : `= ${v}`}`).join(', ')}.`,
  LogRecovered: (f, all) => all.length > 1
    ? `Broker ${f.node} checked **${all.length} logs** after its unclean stop.`
    : `**${part(f)}** on broker ${f.node} checked in ${span(f.took_ms)}${f.cut_bytes ? `; a torn tail of ${f.cut_bytes} bytes was cut` : ''}.`,
  LogTruncated: (f, all) => all.length > 1
    ? `Broker ${f.node} dropped records that the leaders do not have, on **${all.length} partitions**.`
    : `**${part(f)}** on broker ${f.node}: cut from ${count(f.was_log_end_offset)} to ${count(f.to_offset)}; the leader does not have the rest.`,
  SegmentRolled: (f, all) => all.length > 1 ? `New segments on ${all.length} logs.` : `**${part(f)}** on broker ${f.node}: a new segment begins at ${count(f.base_offset)} (${f.reason}).`,
  RecordsDeleted: (f) => `**${part(f)}** begins at offset ${count(f.log_start_offset)} now.`,
  WritesRefused: (f) => `**${part(f)}** refuses acks=all writes: only ${list(f.isr)} in sync (NOT_ENOUGH_REPLICAS).`,
  StorageFailed: (f) => `**${f.topic ? part(f) : 'Log directory'}** on broker ${f.node}: the disk refused: ${f.reason}`,
  GroupLoaded: (f) => `Broker ${f.node} took over \`__consumer_offsets-${f.partition}\`: ${s(f.groups.length, 'group')}, ${s(f.offsets, 'offset')}.`,
  GroupStateChanged: (f) => `Group **${f.group}**: ${f.was} → ${f.state}.`,
  MemberJoined: (f) => `**${f.client_id}** joined group **${f.group}**.`,
  MemberLeft: (f) => `**${memberName(f.member)}** left group **${f.group}**: ${f.reason}.`,
  MemberSessionExpired: (f) => `**${memberName(f.member)}** sent no heartbeat for ${span(f.silent_ms)}; group **${f.group}** gives up on it.`,
  RebalanceBegan: (f) => `Group **${f.group}** rebalances, generation ${f.generation}: ${memberName(f.reason).replace(/; client reason: not provided/, '')}.`,
  GroupRebalanced: (f) => {
    const given = Object.entries(f.assignment as Record<string, Record<string, number[]>>)
      .map(([member, topics]) => `${memberName(member)} ${Object.values(topics).map((p) => ranges(p, 'p')).join(' ') || 'idle'}`)
    return `Group **${f.group}** shared out, generation ${f.generation}: ${given.slice(0, 4).join('; ')}${given.length > 4 ? ' …' : ''}.`
  },
  GroupDeleted: (f) => `Group **${f.group}** and its offsets are gone.`,
  ClientConnected: (f, all) => `**${f.client_id || 'a client'}** connected from ${f.address}${f.software ? `, ${f.software} ${f.software_version}` : ''}${all.length > 1 ? ` (${all.length} connections)` : ''}.`,
  ClientDisconnected: (f, all) => `**${f.client_id || 'a client'}** closed ${s(all.length, 'connection')}: ${f.reason}.`,
  AppStarted: (f) => `**${f.client}** starts: ${f.app} of ${f.topic}${f.group ? `, group ${f.group}` : ''}.`,
  AppChanged: (f) => `**${f.client}** changed: ${Object.entries(f.changes).map(([k, v]) => `${k}=${String(v)}`).join(', ')}.`,
  AppPaused: (f) => `**${f.client}** paused; it keeps its connections and its place.`,
  AppResumed: (f) => `**${f.client}** goes on.`,
  AppCrashed: (f) => `**${f.client} crashed** without a goodbye; its group learns it by the session timeout.`,
  AppClosed: (f) => `**${f.client}** closed itself: flushed, and left.`,
  AppFailed: (f) => `**${f.client}** met an error: ${f.error}`,
}

/** A cause in a few words, as the text of a link. */
const causes: Record<string, (fact: Fact) => string> = {
  CommandGiven: (f) => f.line, BrokerKilled: (f) => `broker ${f.broker} killed`, BrokerFrozen: (f) => `broker ${f.broker} frozen`,
  BrokerThawed: (f) => `broker ${f.broker} thawed`, BrokerStarted: (f) => `broker ${f.broker} started`,
  BrokerFailed: (f) => `broker ${f.broker} failed`, BrokerStopping: (f) => `broker ${f.broker} stopping`,
  BrokerStopped: (f) => `broker ${f.broker} stopped`, BrokerAdded: (f) => `broker ${f.broker} added`,
  LinkCut: (f) => f.both_ways ? `broker ${f.broker} cut from ${farSide(f)}` : `broker ${f.broker} not heard by ${farSide(f)}`,
  LinkSlowed: (f) => `broker ${f.broker} slow to ${farSide(f)}`, LinksHealed: () => 'links healed',
  RequestsIntercepted: (f) => `${f.api} ${f.how === 'fail' ? 'fails' : f.how === 'delay' ? 'waits' : 'dropped'} on broker ${f.broker}`,
  InterceptionEnded: () => 'interception ended',
  VoteRequested: (f) => `node ${f.candidate} asked for votes`, SessionExpired: (f) => `session of broker ${f.broker} expired`, BrokerFenced: (f) => `broker ${f.broker} fenced`,
  BrokerRegistered: (f) => `broker ${f.broker} registered`, BrokerUnfenced: (f) => `broker ${f.broker} unfenced`,
  ControllerElected: (f) => `controller ${f.leader} elected`, ControllerLost: (f) => `controller ${f.leader} lost`,
  LeaderElected: (f) => `${part(f)} elected a leader`, FollowerLagged: (f) => `broker ${f.follower} lagged`,
  IsrShrunk: (f) => `ISR of ${part(f)} shrunk`, ControlledShutdownBegan: (f) => `broker ${f.broker} asked to go`,
  TopicCreated: (f) => `topic ${f.topic} created`, PartitionsAdded: (f) => `topic ${f.topic} grew`,
  MemberJoined: (f) => `${f.client_id} joined`, MemberLeft: (f) => `${memberName(f.member)} left`,
  MemberSessionExpired: (f) => `session of ${memberName(f.member)} expired`, RebalanceBegan: (f) => `${f.group} rebalances`,
  GroupRebalanced: (f) => `${f.group} generation ${f.generation}`, AppStarted: (f) => `${f.client} started`,
  GroupLoaded: (f) => `broker ${f.node} took over`,
  AppResumed: (f) => `${f.client} went on`, AppPaused: (f) => `${f.client} paused`, AppChanged: (f) => `${f.client} changed`,
  AppFailed: (f) => `${f.client} failed`, TopicDeleted: (f) => `topic ${f.topic} deleted`, IsrExpanded: (f) => `${part(f)} caught up`, ConfigChanged: (f) => `config of ${f.name} changed`,
  AppCrashed: (f) => `${f.client} crashed`, AppClosed: (f) => `${f.client} closed`,
}

/** billing-1 of billing-1-4f0c…: the uuid that the coordinator hung on. */
export const memberName = (id: string) => id.replace(/-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '')

export const en = {
  sentences, causes, memberName,
  brand: 'Kafka Playground',
  regions: { top: 'sandbox and time', health: 'cluster health', map: 'cluster map', inspector: 'inspector', feed: 'what happened', time: 'timeline', command: 'command line', legend: 'legend' },
  top: {
    timings: (name: string) => `${name} timings`,
    timingsTitle: (n: number, example: string) => `${s(n, 'config')} ${n === 1 ? 'differs' : 'differ'} from Kafka's defaults${example ? `, e.g. ${example}` : ''}`,
    kafkaTimings: "Every timeout is Kafka's own default",
    copy: 'Copy', copied: 'Copied', pause: 'Pause', resume: 'Resume',
    pauseTitle: "Pauses the brokers' clocks and sockets; clients just wait (Space)",
    speed: 'cluster speed', toLight: 'light theme', toDark: 'dark theme', sandbox: 'sandbox', help: 'keys and marks (?)',
  },
  link: {
    connecting: 'Connecting to the playground …',
    lost: 'The page lost its server. It tries again by itself; nothing to reload.',
    hostGone: 'The host does not answer. The brokers may still run; the page catches up by itself.',
  },
  health: {
    brokers: 'Brokers online', controller: 'Controller', under: 'Under-replicated', offline: 'Offline partitions', isr: 'In-sync replicas',
    produce: 'Produce', consume: 'Consume', lag: 'Lag',
    of: (n: number) => `of ${count(n)}`, epoch: (n: number) => `epoch ${n}`, perSecond: 'rec/s', records: 'rec', nobody: 'none',
    allAnswer: 'all answering', noBrokers: 'no broker yet', down: (id: number, how: string, ms: number) => `broker ${id} ${how} ${span(ms)} ago`,
    manyDown: (n: number) => `${n} brokers do not answer`, how: { down: 'killed', stopped: 'stopped', frozen: 'frozen', fenced: 'fenced', starting: 'started', stopping: 'stopping', added: 'added', up: 'up' } as Record<string, string>,
    voters: (up: number, all: number) => `${up} of ${all} quorum voters`, noneToSpare: (up: number, all: number) => `${up} of ${all} voters: none to spare`,
    noMajority: (up: number, all: number) => `${up} of ${all} voters: no majority`, electing: 'electing a new one', silentController: 'it does not answer',
    copies: (n: number) => `every partition has ${s(n, 'copy', 'copies')}`, allCopies: 'every replica is in sync', noTopics: 'no topic yet',
    stops: 'acks=all writes are refused', oneMore: 'one more loss stops acks=all', fewer: (name: string) => `${name} has fewer copies than asked`,
    waitsFor: (id: number) => `acks=all waits for broker ${id}`, stillCounts: (ids: number[]) => `the ISR still counts ${list(ids)}`,
    eachLed: 'each has a leader', noLeader: (names: string) => `${names}: no leader`, silentLeader: (n: number) => `${s(n, 'leader')} ${n === 1 ? 'does' : 'do'} not answer`,
    mayFail: (min: number, n: number) => `min ISR ${min}: ${['none', 'one', 'two', 'three'][n] ?? n} may fail`,
    short: (isr: number, all: number, n: number) => `${isr} of ${all} on ${s(n, 'partition')}`,
    mean: 'mean of the last second', meanSlow: 'per second of cluster time', standing: 'clocks stand still',
    stoodStill: (ms: number) => `acks stood still ${span(ms)}`, nothingNew: 'nothing new to read', nobodyReads: (names: string) => `${names}: read by nobody`,
    rebalancing: (group: string) => `${group} shares out anew`, noProducer: 'nobody produces', noConsumer: 'nobody consumes', behind: (ms: number) => `≈ ${span(ms)} behind`, noLag: 'nothing left to read', someLeft: 'left to read', noGroups: 'no group commits', rising: 'rising',
  },
  map: {
    producers: 'Producers', groups: 'Consumer groups', rack: (name: string | null) => (name ? `rack ${name}` : 'no rack'),
    broker: (id: number) => `Broker ${id}`, isDown: (id: number) => `Broker ${id} is down`, isStopped: (id: number) => `Broker ${id} stopped`, controller: (epoch: number) => `controller e${epoch}`, crown: 'active controller',
    voter: 'voter', voterOffline: 'voter, offline', observer: 'observer', empty: 'no partition here', offline: 'offline', nobody: 'read by nobody',
    leads: (n: number, all: number) => `up · leads ${n} of ${all}`, leadsShort: (n: number, all: number) => `leads ${n} of ${all}`, downAt: (at: string) => `down ${at}`, killed: (at: string, fenced: boolean) => `killed ${at}${fenced ? ' · fenced' : ''}`,
    stoppedAt: (at: string) => `stopped ${at}`, states: { added: 'added', starting: 'starting', up: 'up', fenced: 'fenced', stopping: 'stopping', stopped: 'stopped', down: 'down', frozen: 'frozen' } as Record<string, string>,
    lines: { added: 'not started yet', starting: 'catching up with the metadata', fenced: 'alive, but not in the cluster', stopping: 'moves its leaders away' } as Record<string, string>,
    frozenLeft: (ms: number) => (ms > 0 ? `SIGSTOP · session: ${span(ms)} left` : 'SIGSTOP · session over'),
    shape: (partitions: number, replicas: number) => `${partitions} × ${replicas}`, internal: (n: number) => `internal ${n}`, fine: (n: number) => `${count(n)} fine`, broken: (n: number) => `${count(n)} broken`, found: (n: number) => `${count(n)} found`, isrOf: (isr: number, all: number) => `ISR ${isr}/${all}`,
    idle: 'idle, none left', lag: (n: number) => `lag ${count(n)}`, members: (n: number) => s(n, 'member'), more: (n: number) => `+${n} more`, perDot: (n: number) => `1 dot = ${n} records`,
    external: 'your own client', ack: (ms: string) => `ack ${ms} p99`, failed: (n: number) => `${count(n)} failed`, retried: (n: number) => `${count(n)} retried`,
    groupLine: (generation: number, lag: number) => `generation ${generation} · lag ${count(lag)}`, emptyGroup: 'no member; offsets are kept',
    noProducers: 'Nobody produces yet.', noGroups: 'Nobody consumes yet.', startProducer: 'Start a producer', startConsumer: 'Start a consumer',
    clientStates: { starting: 'starting', running: 'running', paused: 'paused by you', crashed: 'crashed', closed: 'closed', failed: 'failed' } as Record<string, string>,
    crashedMember: 'crashed: session runs out', phases: { join: 'joins', rebalance: 'waits for its share' }, brief: { join: 'joins', rebalance: 'waits', crashed: 'crashed', paused: 'paused', failed: 'failed' } as Record<string, string>,
    label: (brokers: string, under: number, offline: number) => `Cluster map: ${brokers}; ${s(under, 'partition')} under-replicated, ${offline} offline.`,
    at: (what: string) => `Cursor: ${what}`,
  },
  menu: { landmark: 'verbs', of: (what: string) => `What can be done with ${what}`, none: 'Nothing can be done with it from here.' },
  trouble: {
    title: 'Network and errors', broken: 'Broken on purpose', cutOff: 'cut off', isSlow: 'slow', isCrooked: 'errors', heal: 'Heal', doCut: 'Cut', doSlow: 'Slow', clients: 'clients',
    far: 'other side of the link', way: 'which way', time: 'time', how: 'what happens', api: 'request', share: 'share of the requests', error: 'error',
    bothWays: 'both ways', oneWay: 'what it sends', sides: { brokers: 'all brokers', clients: 'all clients' } as Record<string, string>,
    hows: { fail: 'error', delay: 'delay', drop: 'no answer' } as Record<string, string>, verbs: { fail: 'Fail', delay: 'Delay', drop: 'Drop' } as Record<string, string>,
    cannotReach: (ids: number[]) => `cannot reach ${list(ids)}`, notHeard: (ids: number[]) => `not heard by ${list(ids)}`, doesNotHear: (ids: number[]) => `does not hear ${list(ids)}`, noClients: 'no clients', fencedToo: 'fenced',
    cut: (far: string) => `${far}: cut, both ways`, cutSending: (far: string) => `${far}: what it sends is lost`, cutHearing: (far: string) => `${far}: what they send is lost`, slow: (far: string, ms: number) => `${far}: ${span(ms)} slower each way`,
    rule: (rule: Rule) => {
      const which = rule.share === 100 ? `every ${rule.api}` : `${rule.share} % of ${rule.api}`
      return rule.how === 'fail' ? `${which} answered with ${rule.error}` : rule.how === 'delay' ? `${which} waits for ${span(rule.delay_ms)}` : `${which} never answered`
    },
  },
  help: {
    title: 'Keys and marks', close: 'Esc', keys: 'Keys', brokers: 'Broker states', replicas: 'Replicas', members: 'Members of a group', motion: 'Records in flight', epochs: 'Leader epoch, its colour mod 6',
    list: [
      ['← ↑ → ↓', 'walk the map: brokers and partitions; inside any region, its controls'], ['Tab', 'to the next region'], ['Enter', 'choose; on what is red or amber, say why'], ['w', 'why is the selected thing as it is?'],
      ['[ ]', 'the fact before, the fact after, with its causes'], ['Shift F10', 'what can be done with the thing under the cursor (right click)'], ['k', 'offers to kill the selected thing; Enter does it'],
      ['/', 'command line; Tab completes, ↑ brings back'], ['Space', "pause and resume the cluster's clocks"], ['Esc', 'back'], ['?', 'this sheet'],
    ] as [key: string, does: string][],
    states: { up: 'the arc is its session; heartbeats refill it', stopping: 'controlled shutdown: leaders move first', down: 'no process; nothing moves inside', frozen: 'SIGSTOP: sockets open, the arc runs out', cut: 'links are cut; its wires have a gap', fenced: 'alive, but not in the cluster', stopped: 'went by itself; the data stays' } as Record<string, string>,
    roles: { leader: 'tall, full colour; ▼ high watermark, △ log end, hollow: not committed yet', epoch: 'the colour turns where another leader began', follower: 'low and pale, with the high watermark that it knows', out: 'amber dashes, and how far behind', offline: 'grey shell, red line where it stopped', none: 'red frame, hatched: nobody leads' } as Record<string, string>,
    seats: { owns: 'owns partitions and reads', join: 'joins', rebalance: 'waits for its share', idle: 'idle: none left for it', paused: 'paused by you', crashed: 'crashed: the arc runs out, then it is gone' } as Record<string, string>,
    dots: { produce: 'produce: no leader has stamped it yet', replicate: 'replicate: a follower fetches it', consume: 'consume: a member has fetched it' } as Record<string, string>,
    newEpoch: 'leader, new epoch',
  },
  search: { label: 'search the map', name: 'part of a topic or partition', placeholder: 'orders-12', broken: 'Only broken', none: 'No partition on the map is so.', found: (n: number, all: number) => `${count(n)} of ${s(all, 'partition')}`, all: (n: number) => s(n, 'partition') },
  dot: {
    produce: (client: string, leader: number) => `${client} → broker ${leader}`, consume: (client: string, leader: number) => `broker ${leader} → ${client}`, replicate: (from: number, to: number) => `broker ${from} → broker ${to}`,
    records: 'records', size: 'size', offsets: 'offsets', epoch: 'leader epoch', acks: 'acks', range: (first: number, last: number) => (first === last ? count(first) : `${count(first)}–${count(last)}`), pin: 'click pins it', close: 'Close',
  },
  legend: { leader: 'leader', follower: 'follower', outOfSync: 'out of ISR', offline: 'offline', highWatermark: 'high watermark · uncommitted', logEnd: 'log end', produce: 'produce', replicate: 'replicate', consume: 'consume', epoch: 'leader epoch' },
  roles: { leader: 'leader', follower: 'in sync', out: 'out of ISR', offline: 'offline', none: 'no leader' } as Record<string, string>,
  twin: { caption: 'Every replica of the cluster', topic: 'topic', partition: 'partition', broker: 'broker', role: 'role', state: 'state', epoch: 'leader epoch', end: 'log end', hw: 'high watermark', behind: 'behind' },
  feed: {
    title: 'What happened', because: 'because', filter: 'filter', all: 'all', kinds: { brokers: 'brokers', partitions: 'partitions', groups: 'groups', clients: 'clients' } as Record<string, string>,
    empty: 'Nothing has happened yet.', why: 'why?', by: byWhom, gone: 'older than this page remembers',
  },
  time: { why: (lane: string, at: string) => `why? ${lane}, ${at}`, live: 'LIVE', paused: 'PAUSED', away: 'NO LINK', facts: 'Facts', standing: 'cluster clocks stand still, clients wait', slowed: (speed: string) => `real cluster at ${speed}`, state: (n: number) => `state ${n}`, all: 'all', seconds: '8 s', minutes: '2 min', zoom: 'time window',
    marks: { command: 'command', killed: 'killed', fenced: 'fenced', election: 'election', rebalance: 'rebalance' }, quiet: (names: string) => `${names}: no change`, quietBrokers: (n: number) => `${n} brokers`, generation: (state: string, n: number) => `${state}, generation ${n}`, owns: (what: string) => `owns ${what}`, ownsNothing: 'owns nothing', members: (n: number, idle: number) => `${s(n, 'member')}${idle ? `, ${idle} idle` : ''}`, leaders: (n: number) => `+${s(n, 'leader')}`, killed: 'killed', fenced: 'fenced', stopped: 'stopped', frozen: 'frozen', waiting: 'waits for its share', chart: 'rate and lag', produce: 'produce rec/s', consume: 'consume rec/s', lag: 'lag rec', chartLabel: (p: string, c: string, l: string) => `Produce ${p}, consume ${c} records a second, lag ${l} records.` },
  command: { focus: '/ focus', enter: 'Enter', label: 'command line', placeholder: 'type a command, Tab completes', kafka: 'Kafka:', none: 'Kafka has no command for it', shell: 'your shell does:', unknown: 'no such command', sent: 'sent …', noLink: 'not connected: it was not sent', noAnswer: 'the host did not answer', suggestions: 'suggestions' },
  why: {
    title: (what: string, state: string) => `Why is ${what} ${state}?`, of: 'Why?', led: (id: number) => `led by broker ${id}`, facts: (n: number) => `${s(n, 'fact')}, no guesses`, kafka: (v: string) => `Kafka: ${v}`, ends: 'Ends when', close: 'Esc', command: 'Command', none: 'No fact in memory tells the cause; it happened before this page opened.',
    states: { under: 'under-replicated', offline: 'without a leader', down: 'down', stopped: 'stopped', frozen: 'frozen', fenced: 'fenced', starting: 'not in the cluster yet', stopping: 'stopping', added: 'not running', group: 'rebalancing', out: 'out of sync', controller: 'without a controller', voters: 'short of voters' } as Record<string, string>,
    broker: (id: number) => `broker ${id} is up and unfenced:`, links: (id: number) => `the links of broker ${id} are whole:`, isr: (ids: string) => `broker ${ids} is back in the ISR:`, leader: (ids: string) => `one of broker ${ids} is back:`, group: 'all members have their share', voter: 'a majority of the voters is up:', reader: 'somebody reads it again:', thaw: 'it is thawed:', caught: 'it has caught up', client: 'it runs again',
  },
  inspect: {
    nothing: 'Nothing selected', select: 'Click anything on the map, or walk it with the arrow keys.', cluster: 'Cluster', broker: 'broker', topic: 'topic', partition: 'partition', group: 'group', client: 'client',
    incarnation: (n: number) => `incarnation ${n}`, hostPort: 'host:port', pid: 'pid', gone: 'gone', rack: 'rack', leads: 'leads', logDir: 'log', session: 'session', quorum: 'quorum', onDisk: 'on disk', clusterId: 'cluster id', brokers: 'brokers', topics: 'topics', version: 'quorum',
    heartbeat: (ago: string, of: string) => `heartbeat ${ago} ago of ${of}`, noHeartbeat: (of: string) => `no heartbeat for more than ${of}`, kafkaDefault: (v: string) => `(Kafka: ${v})`, leadsQuorum: (e: number) => `leads the metadata log, epoch ${e}`, votes: (id: number) => `voter; broker ${id} leads the metadata log`, votesNobody: 'voter; nobody leads the metadata log', offlineVoter: (up: number, all: number) => `voter, offline; ${up} of ${all} left`, observes: 'observer, no vote',
    of: (a: number, b: number) => `${a} of ${b}`, leader: 'leader', preferred: 'preferred', epoch: 'epoch', minIsr: 'min ISR', isr: 'ISR', elr: 'ELR', missing: (ids: string) => `missing ${ids}`, replicas: 'Replicas', role: 'role', leo: 'LEO', hw: 'HW', behind: 'behind', segments: (id: number) => `Segments on broker ${id}`, file: 'file', records: 'records', size: 'size', under: 'under-replicated', offline: 'offline', healthy: 'in sync', nobody: 'nobody', configs: 'Configs', ownConfigs: 'set on this topic', noConfigs: "none set: Kafka's defaults",
    partitions: 'partitions', replication: 'replication', id: 'id', protocol: 'protocol', generation: 'generation', coordinator: 'coordinator', members: 'Members', member: 'member', owns: 'owns', host: 'host', offsets: 'Offsets', readBy: 'read by', committed: 'committed', end: 'end', lag: 'lag', software: 'software', address: 'address', connections: 'connections', settings: 'Settings', report: 'Report', acked: 'acked', failed: 'failed', retried: 'retried', inFlight: 'in flight', p50: 'ack p50', p99: 'ack p99', rate: 'rate', lastError: 'last error', assigned: 'owns', subscribed: 'subscribed', state: 'state', name: 'name', brokerN: (id: number) => `broker ${id}`,
    ledger: { acked: 'acknowledged', failed: 'failed', retried: 'sent again', flight: 'in flight' },
    kill: 'Kill', stop: 'Stop', start: 'Start', restart: 'Restart', freeze: 'Freeze', thaw: 'Thaw', add: 'Add a broker', replace: 'Replace', remove: 'Remove', close: 'Close', crash: 'Crash', pause: 'Pause', resume: 'Resume', change: 'Change', createTopic: 'Create a topic', deleteTopic: 'Delete', producer: 'Start a producer', consumer: 'Start a consumer', elect: 'Elect preferred', electUnclean: 'Elect unclean', addMember: 'Add one', grow: 'Grow', cancel: 'Cancel', go: 'Do it', deleteGroup: 'Delete',
    notes: { kill: 'SIGKILL', stop: 'moves leaders', freeze: 'SIGSTOP', thaw: 'SIGCONT' } as Record<string, string>,
    form: { name: 'name', partitions: 'partitions', replication: 'replication', topic: 'topic', rack: 'rack', group: 'group', more: 'more settings', value: 'value', config: 'config', default: (v: string) => `default ${v}` },
    kafkaLine: "Kafka's own command",
  },
}

export type Text = typeof en
