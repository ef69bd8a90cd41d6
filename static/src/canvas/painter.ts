// Puts shapes on a Canvas2D. Thin on purpose: it knows colours and pixels, and nothing about Kafka.

import type { Color, Rect, Shape } from './shapes.ts'

export class Painter {
  private readonly context: CanvasRenderingContext2D
  private colors = new Map<string, string>()
  private font = { xs: '11px sans-serif', s: '12px sans-serif', bold: '650' }
  width = 0
  height = 0

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.context = canvas.getContext('2d')!
  }

  /** Reads sizes and tokens again: after a resize and after a change of theme. */
  fit(width: number, height: number) {
    const ratio = window.devicePixelRatio || 1
    this.width = width
    this.height = height
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)]
    if (this.canvas.width !== w || this.canvas.height !== h) {
      this.canvas.width = w
      this.canvas.height = h
    }
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0)
    this.colors.clear()
    const style = getComputedStyle(document.documentElement)
    const rem = parseFloat(style.fontSize)
    const family = getComputedStyle(document.body).fontFamily
    this.font = { xs: `${0.846 * rem}px ${family}`, s: `${0.923 * rem}px ${family}`, bold: '650 ' }
  }

  private color(name: Color): string {
    let value = this.colors.get(name)
    if (value === undefined) {
      value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
      this.colors.set(name, value)
    }
    return value
  }

  clear() {
    this.context.clearRect(0, 0, this.width, this.height)
  }

  /** Draws everything except inside the holes: nothing moves across a dead broker. */
  outside(holes: Rect[], draw: () => void) {
    const c = this.context
    c.save()
    if (holes.length) {
      c.beginPath()
      c.rect(0, 0, this.width, this.height)
      for (const hole of holes) c.rect(hole.x, hole.y, hole.w, hole.h)
      c.clip('evenodd')
    }
    draw()
    c.restore()
  }

  paint(shapes: Shape[]) {
    const c = this.context
    for (const shape of shapes) {
      c.globalAlpha = shape.alpha ?? 1
      switch (shape.kind) {
        case 'cells': this.cells(shape); break
        case 'text': this.text(shape); break
        case 'hatch': this.hatch(shape); break
        case 'rect':
          if (shape.fill && !shape.radius) {
            c.fillStyle = this.color(shape.fill)
            c.fillRect(shape.x, shape.y, shape.w, shape.h)
          }
          if (shape.stroke || shape.radius) {
            c.beginPath()
            c.roundRect(shape.x, shape.y, shape.w, shape.h, shape.radius ?? 0)
            this.ink(shape.radius ? shape : { ...shape, fill: undefined })
          }
          break
        case 'circle':
          c.beginPath()
          c.arc(shape.x, shape.y, shape.r, 0, 7)
          this.ink(shape)
          break
        case 'path':
          c.beginPath()
          shape.points.forEach(([x, y], i) => (i ? c.lineTo(x, y) : c.moveTo(x, y)))
          if (shape.closed) c.closePath()
          this.ink(shape)
      }
    }
    c.globalAlpha = 1
  }

  private ink(shape: { fill?: Color | undefined; stroke?: Color; width?: number; dash?: number[] }) {
    const c = this.context
    if (shape.fill) {
      c.fillStyle = this.color(shape.fill)
      c.fill()
    }
    if (!shape.stroke) return
    c.strokeStyle = this.color(shape.stroke)
    c.lineWidth = shape.width ?? 1
    if (shape.dash) c.setLineDash(shape.dash)
    c.stroke()
    if (shape.dash) c.setLineDash([])
  }

  private cells(shape: Extract<Shape, { kind: 'cells' }>) {
    const c = this.context
    const w = shape.pitch - 1
    c.fillStyle = c.strokeStyle = this.color(shape.color)
    c.lineWidth = 1.2
    c.beginPath()
    for (let i = 0, x = shape.x; i < shape.n; i++, x += shape.pitch) {
      if (shape.hollow) c.rect(x + 0.6, shape.y + 0.6, w - 1.2, shape.h - 1.2)
      else c.rect(x, shape.y, w, shape.h)
    }
    if (shape.hollow) c.stroke()
    else c.fill()
  }

  private text(shape: Extract<Shape, { kind: 'text' }>) {
    const c = this.context
    c.font = (shape.bold ? this.font.bold : '') + this.font[shape.size]
    c.textAlign = shape.align ?? 'left'
    c.textBaseline = 'middle'
    c.fillStyle = this.color(shape.color)
    c.fillText(shape.text, shape.x, shape.y)
  }

  private hatch(shape: Extract<Shape, { kind: 'hatch' }>) {
    const c = this.context
    c.save()
    c.beginPath()
    c.rect(shape.x, shape.y, shape.w, shape.h)
    c.clip()
    c.strokeStyle = this.color(shape.color)
    c.lineWidth = 1
    c.beginPath()
    for (let x = shape.x - shape.h; x < shape.x + shape.w; x += shape.step) {
      c.moveTo(x, shape.y + shape.h)
      c.lineTo(x + shape.h, shape.y)
    }
    c.stroke()
    c.restore()
  }
}
