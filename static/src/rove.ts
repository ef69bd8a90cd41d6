// One Tab stop for a region with many controls: arrow keys walk inside it, Tab goes on to the next region.
// Rule: exactly one control of the region can be reached by Tab, whatever comes and goes in it.

interface Options {
  controls: string // selector of what is walked
  rows?: string // controls in one row are walked by left and right, rows by up and down
}

/** The control that a key leads to from `at`; null: the key is not one of ours, or leads nowhere. Pure. */
export function step(rows: number[], at: number, key: string): number | null {
  const row = rows[at]!
  const first = (wanted: number) => rows.indexOf(wanted)
  switch (key) {
    case 'ArrowRight': return rows[at + 1] === row ? at + 1 : null
    case 'ArrowLeft': return rows[at - 1] === row ? at - 1 : null
    case 'ArrowDown': return first(row + 1) >= 0 ? first(row + 1) : null
    case 'ArrowUp': return row > 0 ? first(row - 1) : null
    case 'Home': return 0
    case 'End': return first(rows.at(-1)!)
    default: return null
  }
}

/** A Svelte action. Without `rows` all controls stand in one line, and all four arrows walk it. */
export function rove(region: HTMLElement, { controls, rows }: Options) {
  let current: HTMLElement | null = null
  const found = () => [...region.querySelectorAll<HTMLElement>(controls)]

  function settle() {
    const all = found()
    if (!current || !region.contains(current)) current = all[0] ?? null
    for (const one of all) {
      const stop = one === current ? 0 : -1
      if (one.tabIndex !== stop || !one.hasAttribute('tabindex')) one.tabIndex = stop
    }
  }

  /** The row of each control: a number that grows downwards. */
  function rowsOf(all: HTMLElement[]): number[] {
    if (!rows) return all.map((_, i) => i)
    const seen: (Element | null)[] = []
    return all.map((one) => {
      const row = one.closest(rows)
      if (seen.at(-1) !== row) seen.push(row)
      return seen.length - 1
    })
  }

  function keydown(event: KeyboardEvent) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return
    const all = found()
    const at = all.indexOf(document.activeElement as HTMLElement)
    if (at < 0) return
    const key = rows ? event.key : event.key.replace('Right', 'Down').replace('Left', 'Up')
    if (!/^Arrow|^Home$|^End$/.test(key)) return
    event.preventDefault()
    const next = step(rowsOf(all), at, key)
    if (next !== null) all[next]!.focus()
  }

  function focusin(event: FocusEvent) {
    const control = (event.target as HTMLElement).closest<HTMLElement>(controls)
    if (!control || control === current) return
    current = control
    settle()
  }

  settle()
  const observer = new MutationObserver(settle)
  observer.observe(region, { childList: true, subtree: true })
  region.addEventListener('keydown', keydown)
  region.addEventListener('focusin', focusin)
  return {
    destroy() {
      observer.disconnect()
      region.removeEventListener('keydown', keydown)
      region.removeEventListener('focusin', focusin)
    },
  }
}
