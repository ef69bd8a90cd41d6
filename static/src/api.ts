// The JSON API as far as the page needs it: the grammar, and facts that the page has forgotten.

import type { Verb } from './commands.ts'
import type { Fact } from './model.ts'
import type { Api } from './store.svelte.ts'

export function jsonApi(base: string): Api {
  const get = async (path: string): Promise<unknown> => {
    const response = await fetch(base + path, { headers: { accept: 'application/json' } })
    if (!response.ok) throw new Error(`${path}: ${response.status}`)
    return response.json()
  }
  return {
    async verbs() {
      const found = (await get('commands')) as Verb[] | { verbs: Verb[] }
      return Array.isArray(found) ? found : found.verbs
    },
    async facts(after, limit) {
      const found = (await get(`facts?after=${after}&limit=${limit}`)) as Fact[] | { facts: Fact[] }
      return Array.isArray(found) ? found : found.facts
    },
  }
}
