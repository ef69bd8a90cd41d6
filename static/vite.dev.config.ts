// The recorded-run player: the same screen fed by src/dev instead of a socket. Never part of the build.
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

export default defineConfig({ root: 'src/dev', plugins: [svelte()], server: { port: 5199, fs: { allow: ['../..'] } } })
