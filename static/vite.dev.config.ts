// The recorded-run player: the same screen fed by src/dev instead of a socket. Never part of the build.
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

export default defineConfig({ root: 'src/dev', plugins: [svelte({ configFile: '../../svelte.config.js' })], build: { outDir: '../../node_modules/.player', emptyOutDir: true }, server: { port: 5199, fs: { allow: ['../..'] } } })
