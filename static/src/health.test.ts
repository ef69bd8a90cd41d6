// The eight tiles: worst news first, never a bare colour.

import { expect, it } from 'vitest'
import { fixture, pass } from './dev/fixture.ts'
import { tiles } from './health.ts'
import { Rates } from './rates.ts'
import { lanes, windowOf } from './timeline.ts'

it('says that all is well, in words', () => {
  const model = fixture()
  const shown = tiles(model.snapshot, new Rates(), model.now)
  expect(shown.map((tile) => tile.tone)).toEqual(['', '', '', '', '', '', '', ''])
  expect(shown[0]!.sentence).toBe('all answering')
  expect(shown[4]!.sentence).toBe('min ISR 2: one may fail')
})

it('says what a dead broker means', () => {
  const model = fixture()
  model.command('kill broker 2', 'button')
  pass(model, 3000)
  const [brokers, controller, under, offline, isr] = tiles(model.snapshot, new Rates(), model.now)
  expect([brokers!.tone, brokers!.value, brokers!.sentence]).toEqual(['bad', '2', 'broker 2 killed 3 s ago'])
  expect(controller!.sentence).toBe('2 of 3 voters: none to spare')
  expect(under!.sentence).toBe('one more loss stops acks=all')
  expect(offline!.value).toBe('0')
  expect(isr!.tone).toBe('hint')
})

it('never says that a leader is there which does not answer, nor that it is in sync', () => {
  const model = fixture()
  model.command('freeze broker 2', 'button')
  const [, , under, offline, isr, , consume] = tiles(model.snapshot, new Rates(), model.now)
  expect([under!.tone, under!.value, under!.sentence]).toEqual(['warn', '0', 'acks=all waits for broker 2'])
  expect([offline!.tone, offline!.value, offline!.sentence]).toEqual(['warn', '0', '4 leaders do not answer'])
  expect([isr!.tone, isr!.sentence]).toEqual(['hint', 'the ISR still counts 2'])
  expect([consume!.tone, consume!.sentence], 'of those that anybody may read').toEqual(['warn', '2 leaders do not answer'])
})

it('does not trust a controller that does not answer, though the quorum has not missed it yet', () => {
  const model = fixture()
  const { controller } = model.snapshot.clusters[0]!
  model.command(`freeze broker ${controller}`, 'button')
  const tile = tiles(model.snapshot, new Rates(), model.now)[1]!
  expect([tile.tone, tile.value, tile.sentence]).toEqual(['warn', String(controller), 'it does not answer'])
})

it('counts records a second over the last second', () => {
  const rates = new Rates()
  for (let at = 0; at < 3000; at += 100) rates.add({ appended: [['shop', 'orders', 0, 2, 200]] }, 1_000_000 + at)
  expect(rates.rate('produced', '', 1_002_900)).toBe(20)
  expect(rates.rate('produced', 'c:shop', 1_002_900)).toBe(20)
  expect(rates.rate('produced', '', 1_010_000), 'nothing lately is nothing').toBe(0)
})

it('draws the life of a broker as bars, and folds quiet lanes', () => {
  const model = fixture()
  model.command('kill broker 2', 'button')
  pass(model, 3000)
  const window = windowOf(model.facts, model.now, 8000)
  const drawn = lanes(model.snapshot, model.facts, window, null).lanes
  expect(drawn.map((lane) => lane.name)).toEqual(['Facts', 'Broker 1', 'Broker 2', 'Broker 3', 'billing'])
  expect(drawn[2]!.bars.map((bar) => bar.look).at(-1)).toBe('bad')
  expect(drawn[2]!.notes.map((note) => note.text)).toEqual(['killed', 'fenced'])
})
