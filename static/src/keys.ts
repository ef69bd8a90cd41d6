// The keys of the screen, and who must not hear them.

const TYPED_INTO = /^(INPUT|SELECT|TEXTAREA)$/

/** Somebody types, or means the browser and not us. */
export const isTyping = (event: KeyboardEvent) =>
  event.ctrlKey || event.metaKey || event.altKey || TYPED_INTO.test((event.target as HTMLElement).tagName)

export const asksForMenu = (event: KeyboardEvent) => event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)
