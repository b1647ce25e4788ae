/** `sign METHOD MODEL` */

import { stat } from "node:fs/promises";
import {
  checkWritable,
  isTyped,
  quote,
  type Replaceable,
  type RunOptions,
  type SignatureStore,
  type SignedModelBundle,
  type SignerProvider,
  signModel,
  textSetting,
  traced,
  writeFileAtomically,
} from "../../core/mod.ts";
import { DEFAULT_SIGNATURE } from "../builtin_options.ts";
import type { ExitStatus, Invocation } from "../command.ts";
import type { Io } from "../io.ts";
import { hashInput, openModel, pick, providerOf } from "../model.ts";
import { usageError } from "../option.ts";
import { describeBundle } from "../report/description.ts";
import { pageStyle } from "../report/page.ts";
import { signedText } from "../report/signed.ts";
import { STANDARD_STREAM } from "../signature.ts";
import { openWitnesses } from "../witnesses.ts";

/** What a signature may replace. */
const EARLIER_SIGNATURE: Replaceable = {
  kind: "a signature",
  is: (content) => isTyped(content, "application/vnd.dev.sigstore.bundle"),
  streamHint: `--signature ${STANDARD_STREAM} writes to standard output`,
};

/** Hashes and signs a model, and writes the signature, or keeps it beside a model in a registry. */
export async function sign(provider: SignerProvider, given: Invocation): Promise<ExitStatus> {
  const named = textSetting(given.settings, "signature");
  const beside = named === undefined &&
    providerOf(given.registry, given.operand)?.keepsSignatures === true;
  const target = named ?? DEFAULT_SIGNATURE;
  // The source leaves the signature out of the model, so it must know also the default.
  const invocation = beside
    ? given
    : { ...given, settings: { ...given.settings, signature: target } };
  const { settings, run, io, operand } = invocation;
  // Found out now, not after hours of hashing.
  if (!beside && target !== STANDARD_STREAM) {
    await refuseModelAsTarget(operand, target);
    await checkWritable(target, EARLIER_SIGNATURE);
  }
  const { source, signatures } = await openModel(invocation);
  if (beside) await signatures?.prepare?.(run);
  const others = await openWitnesses(invocation, run);
  const opened = await traced(
    run,
    "open.signer",
    (inner) => provider.open(pick(settings, provider.options), inner),
  );
  const witnesses = [...opened.witnesses, ...others];
  let signed: SignedModelBundle;
  try {
    signed = await signModel({ ...hashInput(invocation, source), ...opened, witnesses }, run);
  } finally {
    await opened.signer[Symbol.asyncDispose]();
  }
  const place = beside && signatures
    ? await attach(signatures, signed.bytes, run)
    : await write(target, signed.bytes, io);
  run.logger?.log("debug", "the signature is there", {
    place,
    "bundle.bytes": signed.bytes.length,
  });
  if (invocation.tells(true)) {
    const output = !beside && target === STANDARD_STREAM ? io.stderr : io.stdout;
    const description = await describeBundle(invocation.plugins.plugins, signed.bundle, run);
    output.write(signedText({ signed, place, description }, pageStyle(output, io)));
  }
  return 0;
}

/** Keeps the signature beside the model, and says where it is. */
async function attach(
  signatures: SignatureStore,
  bytes: Uint8Array,
  run: RunOptions,
): Promise<string> {
  const place = await traced(
    run,
    "signature.attach",
    (inner) => signatures.attach(bytes, inner),
  );
  return `${place} (beside the model)`;
}

/** Writes the signature, and says where it is. */
async function write(target: string, bytes: Uint8Array, io: Io): Promise<string> {
  if (target === STANDARD_STREAM) {
    io.stdout.write(bytes, { required: true });
    return "written to stdout";
  }
  await writeFileAtomically(target, bytes);
  return target;
}

/** A signature in the place of a single-file model would destroy the model. */
async function refuseModelAsTarget(model: string, target: string): Promise<void> {
  const [modelFacts, targetFacts] = await Promise.all(
    [model, target].map((path) => stat(path, { bigint: true }).catch(() => undefined)),
  );
  if (!modelFacts?.isFile() || !targetFacts) return;
  if (modelFacts.dev === targetFacts.dev && modelFacts.ino === targetFacts.ino) {
    throw usageError(
      `the signature would replace the model ${quote(model)}`,
      "write it to another file with --signature",
    );
  }
}
