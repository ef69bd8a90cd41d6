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

const second = (number: number, records: number, lag: number) => ({ second: 1000 + number, produced: { shop: { orders: records }, audit: { other: 1 } }, consumed: { billing: { orders: records } }, lag })

test('a page that has just been opened draws the minute that others have seen', () => {
  const rates = new Rates()
  rates.recall([second(7, 20, 3), second(8, 20, 5), second(9, 10, 4)], at(9.5))
  rates.noteLag(at(9.5), 4)
  expect(rates.history('produced', 'c:shop', at(9), 4), 'the first of the three is not known whole').toEqual([null, null, 20, 20])
  expect(rates.rate('produced', '', at(9.4)), 'of both clients, the running second too').toBe(22)
  rates.add({ appended: [['shop', 'orders', 0, 10, 1000]] }, at(9.8))
  expect(rates.history('produced', 'c:shop', at(9.9), 2), 'and goes on from there').toEqual([20, 20])
  expect([rates.topics('p', 'audit'), rates.topics('c', 'billing')], 'who is beside which row').toEqual([['other'], ['orders']])
  rates.noteLag(at(10), 9)
  expect(rates.lagHistory(5)).toEqual([null, 3, 5, 4, 9])
})

test('a page that is opened while nothing moves knows since when', () => {
  const rates = new Rates()
  rates.recall([second(3, 20, 0), { second: 1004, produced: {}, consumed: {}, lag: 0 }, { second: 1009, produced: {}, consumed: {}, lag: 0 }], at(9.5))
  expect([rates.last_append_ms, rates.last_fetch_ms]).toEqual([at(4), at(4)])
})

test('what a page has missed is made up for, and nothing is counted twice', () => {
  const rates = new Rates()
  rates.noteLag(at(4), 0)
  rates.add({ appended: [['shop', 'orders', 0, 8, 800]] }, at(6.5))
  rates.add({ appended: [['shop', 'orders', 0, 9, 900]] }, at(7.5))
  rates.recall([second(7, 20, 1), second(8, 20, 2)], at(9))
  expect(rates.history('produced', 'c:shop', at(8.9), 4)).toEqual([0, 8, 20, 20])
  expect(rates.history('produced', 'r:orders-0', at(8.9), 4)).toEqual([0, 8, 9, 0])
})
