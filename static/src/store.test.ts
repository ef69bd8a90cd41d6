// What the page keeps: several frames that come at once are one change.

import { expect, it } from 'vitest'
import shared from '../../tests/shared/apply_cases.json?raw'
import type { Message } from './feed.ts'
import type { Fact, Snapshot } from './model.ts'
import { Store } from './store.svelte.ts'

const example = (JSON.parse(shared) as { name: string; before: Snapshot; fact?: Fact }[]).find((one) => one.fact?.kind === 'TopicCreated')!

it('says that the structure has changed only when the snapshot shows it', () => {
  const store = new Store()
  const { before, fact } = example
  store.take([{ type: 'snapshot', snapshot: before } as Message])
  const version = store.facts_version
  const seen: number[] = []
  store.onTraffic = () => seen.push(store.facts_version)
  const frame = (from: number, number: number, facts: Fact[]) => ({ type: 'frame', from, number, at_ms: before.at_ms + number, facts, traffic: {} }) as unknown as Message
  store.take([frame(before.number, fact!.number, [fact!]), frame(fact!.number, fact!.number, [])])
  expect(seen).toEqual([version, version])
  expect(store.facts_version).toBe(version + 1)
  expect(store.snapshot!.number).toBe(fact!.number)
})
