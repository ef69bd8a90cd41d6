// Where an arrow key leads in a region of rows.

import { describe, expect, it } from 'vitest'
import { step } from './rove.ts'

describe('one Tab stop, arrows inside', () => {
  const rows = [0, 0, 1, 2, 2, 2]
  it('walks a row by left and right and never leaves it', () => {
    expect(step(rows, 0, 'ArrowRight')).toBe(1)
    expect(step(rows, 1, 'ArrowRight')).toBeNull()
    expect(step(rows, 3, 'ArrowLeft')).toBeNull()
  })
  it('walks to the first control of the next row, and back', () => {
    expect(step(rows, 1, 'ArrowDown')).toBe(2)
    expect(step(rows, 5, 'ArrowUp')).toBe(2)
    expect([step(rows, 0, 'ArrowUp'), step(rows, 4, 'ArrowDown')]).toEqual([null, null])
  })
  it('jumps to the first and the last row', () => expect([step(rows, 4, 'Home'), step(rows, 0, 'End'), step(rows, 0, 'x')]).toEqual([0, 3, null]))
})
