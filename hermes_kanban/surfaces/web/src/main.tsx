import { CSPProvider } from '@base-ui/react/csp-provider'
import { Tooltip } from '@base-ui/react/tooltip'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Problem } from '@/api/problem'
import { App } from '@/app/App'
import { Toasts } from '@/kit/toasts'
import './styles/tokens.css'
import './styles/base.css'
import './styles/skins.css'
import './kit/kit.css'

// Live events say what became old, so nothing is read again only because time went by.
const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Number.POSITIVE_INFINITY,
      refetchOnWindowFocus: false,
      networkMode: 'always',
      retry: (failures, error) =>
        failures < 5 && error instanceof Problem && (error.status === 0 || error.status === 503),
      retryDelay: (failures) => Math.min(250 * 2 ** failures, 4_000),
    },
    mutations: { networkMode: 'always' },
  },
})

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no root')
createRoot(root).render(
  <StrictMode>
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={client}>
        <Tooltip.Provider delay={400}>
          <App />
          <Toasts />
        </Tooltip.Provider>
      </QueryClientProvider>
    </CSPProvider>
  </StrictMode>,
)
