// What the charts are drawn from.

import { expect, test } from 'vitest'
import { Rates } from './rates.ts'

const at = (second: number) => 1_000_000 + second * 1000

test('a page that has just been opened does not say that nothing happened before', () => {
  const rates = new Rates()
  rates.noteLag(at(7), 4)
  rates.add({ appended: [['shop', 'orders', 0, 5, 500]] }, at(8.5))
  expect(rates.history('produced', '', at(10), 5)).toEqual([null, null, 0, 5, 0])
  expect(rates.history('consumed', '', at(10), 5)).toEqual([null, null, 0, 0, 0])
  expect(rates.mean('produced', '', at(10), 5)).toBeCloseTo(5 / 3)
  expect(rates.lagHistory(3)).toEqual([null, null, 4])
})
