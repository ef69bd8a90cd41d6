// Numbers, clocks, spans and sizes as people read them. Pure; the same in every language that writes 1,234.5.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

export const count = (value: number) => whole.format(value)

/** A rate: one digit while it is small, none above ten. */
export const rate = (value: number) => (value > 0 && value < 9.95 ? trim(value.toFixed(1)) : count(Math.round(value)))

const trim = (digits: string) => digits.replace(/\.0$/, '')
const two = (value: number) => String(value).padStart(2, '0')

/** 14:06:28 of the viewer's day; with milliseconds 14:06:28.412. */
export function clock(at_ms: number, digits: 0 | 1 | 3 = 0): string {
  const at = new Date(at_ms)
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  if (digits === 0) return time
  return `${time}.${String(at.getMilliseconds()).padStart(3, '0').slice(0, digits)}`
}

/** 07:21.304: minutes, seconds and milliseconds, for steps of one story. */
export const minuteClock = (at_ms: number) => clock(at_ms, 3).slice(3)

export const plusMs = (ms: number) => (ms === 0 ? '0 ms' : `${ms > 0 ? '+' : '−'}${count(Math.abs(ms))} ms`)

/** A span in the unit that fits: 4 ms, 1.4 s, 3 min, 2 h. */
export function span(ms: number): string {
  if (ms < 95) return `${Math.round(ms)} ms`
  if (ms < 9_950) return `${trim((ms / 1000).toFixed(1))} s`
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`
  return `${Math.round(ms / 3_600_000)} h`
}

export function bytes(value: number): string {
  if (value < 1000) return `${value} B`
  if (value < 1_000_000) return `${trim((value / 1000).toFixed(1))} kB`
  if (value < 1_000_000_000) return `${trim((value / 1_000_000).toFixed(1))} MB`
  return `${trim((value / 1_000_000_000).toFixed(1))} GB`
}

/** Milliseconds of an answer: 1.1 ms, 34 ms. */
export const answerMs = (value: number) =>
  value < 10 ? `${trim(value.toFixed(1))} ms` : value < 1000 ? `${Math.round(value)} ms` : span(value)

/** How a topic's first log file is called: twenty digits. */
export const segmentFile = (base: number) => `${String(base).padStart(20, '0')}.log`

/** Slowness on the buttons: 1 → ×1, 4 → ×1/4. */
export const speed = (factor: number) => (factor === 1 ? '×1' : `×1/${factor}`)

/** 0 1 2 5 → p0–p2 p5, so that many partitions stay short. */
export function ranges(indexes: number[], prefix = ''): string {
  const sorted = [...indexes].sort((a, b) => a - b)
  const parts: string[] = []
  for (let i = 0; i < sorted.length; ) {
    let j = i
    while (j + 1 < sorted.length && sorted[j + 1] === sorted[j]! + 1) j++
    if (j - i >= 2) parts.push(`${prefix}${sorted[i]}–${prefix}${sorted[j]}`)
    else for (let k = i; k <= j; k++) parts.push(`${prefix}${sorted[k]}`)
    i = j + 1
  }
  return parts.join(' ')
}

/** At most `most` names, then how many more. */
export function some(names: string[], most = 3): string {
  if (names.length <= most) return names.join(', ')
  return `${names.slice(0, most).join(', ')} +${names.length - most}`
}
