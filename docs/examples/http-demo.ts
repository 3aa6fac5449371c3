// npm run demo
import type { Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { ChatServer } from 'asynchat'
import { createHttpServer, type HttpServerOptions } from './http-server.js'
import { listen, scenarios as allScenarios, type Scenario } from './http-scenarios.js'

type Frame = Parameters<NonNullable<HttpServerOptions['onFrame']>>[0]

export interface DemoOptions {
  readonly scenarios?: readonly Scenario[]
  /** The server to be judged. */
  readonly createServer?: (options: HttpServerOptions) => Server | ChatServer
  readonly print?: (line: string) => void
  /** What a scenario may take before it has failed. @defaultValue 10,000 */
  readonly limitMs?: number
}

/** Runs the scenarios one after the other, shows each frame that the server cut, and gives the process's exit code. */
export async function runDemo(options: DemoOptions = {}): Promise<0 | 1> {
  const { scenarios = allScenarios, createServer = createHttpServer, print = console.log, limitMs = 10_000 } = options
  let frames: Frame[] = []
  let frameCount = 0
  let failureCount = 0
  const { port, close } = await listen(createServer({ onFrame: (frame) => frames.push(frame) }))
  print(`HTTP/1.1 through an AsyncChat on http://127.0.0.1:${port}\n`)
  for (const { name, run } of scenarios) {
    const { isOk, text } = await verdict(run(port), limitMs)
    print(`${isOk ? 'ok    ' : 'FAILED'}  ${name}: ${text}`)
    for (const frame of frames) print(frameLine(frame))
    frameCount += frames.length
    failureCount += isOk ? 0 : 1
    frames = []
  }
  await close()
  const judgement = failureCount === 0 ? 'all answers were right' : `${failureCount} FAILED`
  print(`\n${scenarios.length} scenarios, ${frameCount} frames: ${judgement}`)
  return failureCount === 0 ? 0 : 1
}

function frameLine({ kind, ending, offset, length }: Frame): string {
  const [at, size] = [offset, length].map((count) => String(count).padStart(8))
  return `          ${kind}  ${ending.padEnd(10)}  offset ${at}  length ${size}`
}

/** What a scenario came to; one that does not end has failed. */
async function verdict(answered: Promise<string>, limitMs: number): Promise<{ isOk: boolean; text: string }> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${limitMs} ms`)), limitMs)
  })
  try {
    return { isOk: true, text: await Promise.race([answered, late]) }
  } catch (error) {
    return { isOk: false, text: error instanceof Error ? error.message : String(error) }
  } finally {
    clearTimeout(timer)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  setTimeout(() => {
    console.log('FAILED  the demo did not end in time')
    process.exit(1)
  }, 60_000).unref()
  process.exitCode = await runDemo()
}
