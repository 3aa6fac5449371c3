import { type DemandControls, type DemandParts, TransformOnDemand, demandOf } from './on-demand.js'
import type { Callback, WriteGate } from './write-gate.js'

/** A Transform that makes its output on demand of the bytes that are written to it. */
export abstract class DemandTransform<Out> extends TransformOnDemand<Out> {
  protected readonly demand: DemandControls

  constructor(parts: DemandParts<Out>) {
    super({ ...parts, letIn: (gate) => this.#letIn(gate) })
    this.demand = demandOf(this)
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Callback): void {
    this.demand.feed([chunk], done, true)
  }

  /** Takes all writes that waited, so that `takeUnread()` can have them. The stream is emptying its buffer: do not cut. */
  override _writev(writes: { chunk: Buffer }[], done: Callback): void {
    this.demand.feed(writes.map(({ chunk }) => chunk), done, false)
  }

  override _flush(done: Callback): void {
    this.demand.feedEnd(done)
  }

  /** Lets in all that was written, corked or not. */
  #letIn(gate: WriteGate): void {
    const corked = this.writableCorked
    gate.quietly(() => {
      for (let count = corked; count > 0; count--) this.uncork()
    })
    gate.letIn(this.writableLength)
    for (let count = corked; count > 0; count--) this.cork()
  }
}
