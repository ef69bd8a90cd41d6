// Glyphs of 16 units, as strokes: the shape carries the meaning before the colour does. A leading "!" fills the path.

const ring = (x: number, y: number, r: number) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`

export const ICONS: Record<string, string[]> = {
  cmd: ['M3 4.5 6.5 8 3 11.5M8.5 12H13'],
  x: ['M3.5 3.5l9 9M12.5 3.5l-9 9'],
  elect: ['M8 13V4M4.5 7.5 8 4l3.5 3.5M4 13h8'],
  isrdn: [`!${ring(3.5, 8, 1.8)}`, `!${ring(8, 8, 1.8)}`, ring(12.7, 8, 1.9)],
  isrup: [`!${ring(3.5, 8, 1.8)}`, `!${ring(8, 8, 1.8)}`, `!${ring(12.5, 8, 1.8)}`],
  fence: [ring(8, 8, 5.2), 'M4.4 4.4l7.2 7.2'],
  reb: ['M3 6h9M9.5 3.5 12 6 9.5 8.5M13 10.5H4M6.5 8l-2.5 2.5L6.5 13'],
  retry: ['M12.5 8a4.5 4.5 0 1 1-1.4-3.3M12.7 2.8v2.6h-2.6'],
  stop: ['M4 4h8v8h-8z'],
  ok: ['M3.5 8.5 6.5 11.5 12.5 4.8'],
  plus: ['M8 3.5v9M3.5 8h9'],
  rev: ['M12.5 8h-9'],
  copy: ['M5.5 6.5a1 1 0 0 1 1-1h5.5a1 1 0 0 1 1 1v5.5a1 1 0 0 1-1 1h-5.5a1 1 0 0 1-1-1z', 'M3 10.5V3h7.5'],
  pause: ['M5.5 3.5v9M10.5 3.5v9'],
  play: ['!M5 3.2v9.6L12.6 8z'],
  moon: ['M12.8 9.6A5.4 5.4 0 0 1 6.4 3.2a5.4 5.4 0 1 0 6.4 6.4z'],
  sun: [ring(8, 8, 2.7), 'M8 1.8v1.4M8 12.8v1.4M1.8 8h1.4M12.8 8h1.4M3.6 3.6l1 1M11.4 11.4l1 1M12.4 3.6l-1 1M4.6 11.4l-1 1'],
  warn: ['M8 2.8 14 13H2zM8 6.6v3M8 11.3v.1'],
  bad: ['!M8 2.4 14.4 13.4H1.6z'],
  beat: ['M2 8h3l1.6-4 2.6 8L11 8h3'],
}

export const CROWN = 'M2 12.6 1.3 4.4l3.9 3L8 2.6l2.8 4.8 3.9-3-.7 8.2z'

/** What stands inside a session ring of 20 units. */
export const RING_GLYPHS: Record<string, string[]> = {
  up: [`!${ring(10, 10, 3.2)}`], owns: [`!${ring(10, 10, 3.2)}`],
  down: ['M5.6 5.6l8.8 8.8M14.4 5.6l-8.8 8.8'], failed: ['M5.6 5.6l8.8 8.8M14.4 5.6l-8.8 8.8'],
  frozen: ['M7.6 6.4v7.2M12.4 6.4v7.2'], paused: ['M7.6 6.4v7.2M12.4 6.4v7.2'],
  stopping: ['M10 5.6v8M6.6 10.4 10 13.8l3.4-3.4'], stopped: ['M6.8 6.8h6.4v6.4h-6.4z'],
  cut: ['M5.4 6.8 8 10l-2.6 3.2M14.6 6.8 12 10l2.6 3.2M10 5.8v8.4'], fenced: ['M5.6 14.4l8.8-8.8'], crashed: ['M5.6 14.4l8.8-8.8'],
  idle: [ring(10, 10, 2.6)], added: [ring(10, 10, 2.6)],
  rebalance: ['M6.6 10h6.8'], join: ['M10 6.6v6.8M6.6 10h6.8'], starting: ['M10 6.6v6.8M6.6 10h6.8'],
}
