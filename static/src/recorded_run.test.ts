// fold(snapshot, frames) is the fresh snapshot: over a run recorded from the real cluster, with a kill, a start
// and two rebalances, one of them after a member's session had ended.

import { expect, it } from 'vitest'
import { apply, applyTraffic } from './apply.ts'
import type { Frame, Snapshot } from './model.ts'
import recorded from '../../tests/shared/recorded_run.json?raw'

const run = JSON.parse(recorded) as { before: Snapshot; frames: Frame[]; after: Snapshot }

it('folds a recorded run into the fresh snapshot', () => {
  let snapshot = run.before
  for (const frame of run.frames) {
    expect(frame.from, 'no gap').toBe(snapshot.number)
    snapshot = applyTraffic(frame.facts.reduce(apply, snapshot), frame.traffic)
    snapshot = { ...snapshot, at_ms: frame.at_ms }
  }
  expect(run.frames.flatMap((frame) => frame.facts).map((fact) => fact.kind)).toEqual(expect.arrayContaining(['BrokerKilled', 'LeaderElected', 'GroupRebalanced', 'MemberLeft']))
  expect(snapshot).toEqual(run.after)
})
