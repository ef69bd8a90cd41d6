// Numbers, spans and names as people read them.

import { expect, it } from 'vitest'
import { answerMs, bytes, count, plusMs, ranges, rate, segmentFile, some, span, speed } from './format.ts'

it('writes numbers short and honest', () => {
  expect(count(2241)).toBe('2,241')
  expect([rate(0), rate(0.4), rate(3.33), rate(9.99), rate(25.4)]).toEqual(['0', '0.4', '3.3', '10', '25'])
  expect([bytes(900), bytes(6_200_000), bytes(1_500_000_000)]).toEqual(['900 B', '6.2 MB', '1.5 GB'])
})

it('chooses the unit of a span', () => {
  expect([span(4), span(400), span(1400), span(36_000), span(180_000)]).toEqual(['4 ms', '0.4 s', '1.4 s', '36 s', '3 min'])
  expect([plusMs(0), plusMs(1368)]).toEqual(['0 ms', '+1,368 ms'])
  expect([answerMs(3.14), answerMs(215.4), answerMs(1229)]).toEqual(['3.1 ms', '215 ms', '1.2 s'])
})

it('folds neighbours into ranges', () => {
  expect(ranges([0, 1, 2, 5], 'p')).toBe('p0–p2 p5')
  expect(ranges([4, 3], 'p')).toBe('p3 p4')
  expect(some(['a', 'b', 'c', 'd'], 2)).toBe('a, b +2')
})

it('names speeds and files as Kafka and the buttons do', () => {
  expect([speed(1), speed(4)]).toEqual(['×1', '×1/4'])
  expect(segmentFile(1480)).toBe('00000000000000001480.log')
})
