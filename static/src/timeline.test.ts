// Marks and notes of the timeline never lie over each other.

import { describe, expect, it } from 'vitest'
import type { Fact, Snapshot } from './model.ts'
import { jot, lanes, spread, type Mark, type Note } from './timeline.ts'

const window = { from_ms: 0, to_ms: 10_000, now_ms: 9000 }
const mark = (at_ms: number, glyph: string): Mark => ({ at_ms, glyph, tone: '', number: at_ms })

describe('marks', () => {
  it('stand side by side where they would cover each other', () => {
    const placed = spread([mark(1000, 'cmd'), mark(1001, 'x'), mark(1002, 'fence')], window)
    expect(placed.map((one) => one.mark.glyph)).toEqual(['cmd', 'x', 'fence'])
    for (const [i, one] of placed.slice(1).entries()) expect(one.at_ms - placed[i]!.at_ms).toBeGreaterThanOrEqual(100)
  })
  it('are told once where many of a kind crowd', () => {
    expect(spread(Array.from({ length: 40 }, (_, i) => mark(1000 + i, 'cmd')), window)).toHaveLength(1)
  })
  it('stay at their moment where there is room', () => expect(spread([mark(1000, 'cmd'), mark(5000, 'cmd')], window).map((one) => one.at_ms)).toEqual([1000, 5000]))
})

describe('notes', () => {
  const words = (...at: [number, string][]) => {
    const notes: Note[] = []
    for (const [at_ms, text] of at) jot(notes, { at_ms, text, tone: '' }, window)
    return notes.map((note) => note.text)
  }
  it('become one where two would lie over each other', () => expect(words([1000, 'killed'], [1100, 'fenced'])).toEqual(['killed · fenced']))
  it('keep their first word where the next would cover the second', () => expect(words([1000, 'killed'], [1100, 'fenced'], [2000, '+4 leaders'])).toEqual(['killed', '+4 leaders']))
  it('keep both where there is room', () => expect(words([1000, 'killed'], [1100, 'fenced'], [3000, '+4 leaders'])).toEqual(['killed · fenced', '+4 leaders']))
})

it('writes what a broker went through in the order of time, elections among it', () => {
  const snapshot = { clusters: [{ brokers: [{ id: 2, state: 'up', since_ms: 0 }], groups: [] }] } as unknown as Snapshot
  const elected = (at_ms: number) => ({ kind: 'LeaderElected', leader: 2, at_ms, number: at_ms, causes: [] })
  const facts = [elected(3600), { kind: 'BrokerFenced', broker: 2, at_ms: 4380, number: 2, causes: [] }, elected(4810)] as unknown as Fact[]
  const [, lane] = lanes(snapshot, facts, window, null).lanes
  expect(lane!.notes.map((note) => note.text)).toEqual(['+1 leader', 'fenced · +1 leader'])
  expect(lane!.notes.map((note) => note.at_ms), 'behind the mark that it speaks of').toEqual([3600, 4810])
})
