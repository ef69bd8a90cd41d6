// Puts the screen on the page in the theme that was chosen last. The same for the real feed and the recorded one.

import { mount } from 'svelte'
import Screen from './panels/Screen.svelte'
import { store } from './store.svelte.ts'
import './tokens.css'
import './style/screen.css'
import './style/map.css'
import './style/side.css'
import './style/over.css'

export function show(target: HTMLElement) {
  let theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
  try {
    theme = localStorage.getItem('theme') ?? theme
  } catch {
    // No storage: the system's theme.
  }
  store.setTheme(theme === 'dark' ? 'dark' : 'light')
  mount(Screen, { target })
}
