// What can be drawn, as data. Colours are names of tokens; the painter alone knows what they look like.

export type Color =
  | 'wire' | 'track' | 'line' | 'line-2' | 'record' | 'ink-mark' | 'text' | 'text-2' | 'text-3' | 'bad' | 'warn' | 'meta'
  | 'accent' | 'accent-soft' | 'raised' | 'surface' | 'bg' | 'bad-soft' | 'bad-fill' | 'warn-soft' | 'epoch-ink'
  | 'epoch-0' | 'epoch-1' | 'epoch-2' | 'epoch-3' | 'epoch-4' | 'epoch-5'

export interface Rect { x: number; y: number; w: number; h: number }
export type Point = [x: number, y: number]

interface Ink { fill?: Color; stroke?: Color; width?: number; alpha?: number; dash?: number[] }

export type Shape =
  | ({ kind: 'rect'; radius?: number } & Rect & Ink)
  | { kind: 'cells'; x: number; y: number; n: number; pitch: number; h: number; color: Color; alpha?: number; hollow?: boolean }
  | ({ kind: 'path'; points: Point[]; closed?: boolean } & Ink)
  | ({ kind: 'circle'; x: number; y: number; r: number } & Ink)
  | { kind: 'hatch'; color: Color; alpha?: number; x: number; y: number; w: number; h: number; step: number }
  | { kind: 'text'; x: number; y: number; text: string; size: 'xs' | 's'; color: Color; bold?: boolean; align?: 'left' | 'right' | 'center'; alpha?: number }

export const epochColor = (epoch: number): Color => `epoch-${((epoch % 6) + 6) % 6}` as Color

export const contains = (rect: Rect, x: number, y: number) =>
  x >= rect.x && x < rect.x + rect.w && y >= rect.y && y < rect.y + rect.h
