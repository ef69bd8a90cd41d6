// The entry of the page: reads its settings, connects, shows the screen.

import { jsonApi } from './api.ts'
import { connect } from './feed.ts'
import { show } from './show.ts'
import { store } from './store.svelte.ts'

interface Settings {
  socket: string
  api: string
}

const settings = JSON.parse(document.getElementById('settings')!.textContent!) as Settings
const address = new URL(settings.socket, location.href)
address.protocol = address.protocol.replace('http', 'ws')

show(document.getElementById('app')!)
const feed = connect(address.href, { link: (link) => store.setLink(link), batch: (messages) => store.take(messages) })
store.start(feed, jsonApi(settings.api))
// What the page believes, for the curious at the browser's console and for tests.
Object.assign(window, { playground: store })
