import { defineConfig } from 'vitest/config'

/** Measures that take a whole system, one after the other: `npm run bench:live`. */
export default defineConfig({
  test: {
    include: ['bench/**/*.measure.ts'],
    fileParallelism: false,
    testTimeout: 1_800_000,
    hookTimeout: 300_000,
    disableConsoleIntercept: true,
  },
})
