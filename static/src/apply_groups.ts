// The part of the fold that is about consumer groups. Pure.
// Rule: the twin of engine/sandbox/apply_groups.py; tests/shared/apply_cases.json holds the two together.

import type { Cluster, Fact, Fold, Group, Member } from './model.ts'

/** Is it said by a coordinator that was deposed, and does not know it yet? */
const isDeposed = (known: Group | undefined, fact: Fact) => fact.coordinator_epoch < (known?.coordinator_epoch ?? -1)

/** What a deposed coordinator says changes nothing. A new one tells all its members anew. */
function group(cluster: Cluster, fact: Fact, change: (group: Group) => Group, name: string = fact.group): Cluster {
  const known = cluster.groups.find((one) => one.name === name)
  if (isDeposed(known, fact)) return cluster
  const epoch: number | undefined = fact.coordinator_epoch
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
  if (isDeposed(known, fact)) return cluster
  return { ...cluster, groups: cluster.groups.filter((one) => one.name !== fact.group) }
}

export const GROUP_FOLDS: Record<string, Fold> = {
  GroupLoaded: groupLoaded, GroupStateChanged: groupStateChanged, MemberJoined: memberJoined, MemberLeft: memberLeft,
  GroupRebalanced: groupRebalanced, GroupDeleted: groupDeleted,
}
