// Sentences cut into pieces, and where a long name may break.

import { expect, it } from 'vitest'
import { breakable, pieces, plain } from './rich.ts'

it('cuts bold and monospaced parts out, and nothing else', () => {
  expect(pieces('**Broker 2** took `a-0` over.')).toEqual([{ text: 'Broker 2', as: 'bold' }, { text: ' took ', as: 'plain' }, { text: 'a-0', as: 'mono' }, { text: ' over.', as: 'plain' }])
  expect(plain('**Broker 2** is <b>down</b>.')).toBe('Broker 2 is <b>down</b>.')
})

it('lets a name break behind its dots, a sentence nowhere', () => {
  expect(breakable('min.insync.replicas expired. Then 1.5 s.')).toEqual([['min.', 'insync.', 'replicas'], ' expired. Then 1.5 s.'])
  expect(breakable('The end.')).toEqual(['The end.'])
})
