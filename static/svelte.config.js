// Svelte's compiler options: runes everywhere, TypeScript stripped by Vite.
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte'

export default { preprocess: vitePreprocess(), compilerOptions: { runes: true } }
