// The fold against the cases that it shares with engine/sandbox/apply.py.

import { describe, expect, it } from 'vitest'
import shared from '../../tests/shared/apply_cases.json?raw'
import { apply, applyTraffic } from './apply.ts'
import type { Fact, Snapshot, Traffic } from './model.ts'

interface Case { name: string; before: Snapshot; after: Snapshot; fact?: Fact; traffic?: Traffic }

const cases = JSON.parse(shared) as Case[]

describe('apply, as in Python', () => {
  for (const { name, before, after, fact, traffic } of cases) {
    it(name, () => {
      const frozen = structuredClone(before)
      expect(fact ? apply(before, fact) : applyTraffic(before, traffic!)).toEqual(after)
      expect(before, 'the state before is untouched').toEqual(frozen)
    })
  }
})
