import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// `vite dev` serves the source and hands the rest to a server of the board that runs already.
const server = process.env.HERMES_KANBAN_WEB ?? 'http://127.0.0.1:8790'

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    outDir: process.env.HERMES_KANBAN_STATIC ?? '../static',
    emptyOutDir: true,
    assetsDir: 'assets',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2023',
  },
  server: {
    proxy: {
      '/api': { target: server, ws: true, changeOrigin: true, headers: { Origin: server } },
    },
  },
})
