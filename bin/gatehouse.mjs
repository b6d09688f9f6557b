#!/usr/bin/env node
import { prepare } from './prepare.mjs'

// In this very process, so that its signals and its exit code are Gatehouse's own.
if (await prepare()) await import('../dist/cli.js')
