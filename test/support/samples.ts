/** What the checks of the verifier work with, for the tests of each. */
import { type VerifyOptions, type Samples, checkSamples } from '../../src/testing/samples.js'
import { type DecoderSource, Subject } from '../../src/testing/subject.js'

export interface Case<In> {
  readonly subject: Subject<In, In>
  readonly samples: Samples<In, In>
}

export function caseOf<In>(source: DecoderSource<In>, options: VerifyOptions<In>): Case<In> {
  return { subject: new Subject(source, {}), samples: checkSamples(options) }
}
