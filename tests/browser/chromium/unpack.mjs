// Unpacks the browser that npm has brought, beside node_modules: `bin/chromium`, the libraries that a
// bare system lacks, and a fontconfig file by which every machine draws text with the same fonts.

import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { createReadStream, createWriteStream } from "node:fs";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { createBrotliDecompress } from "node:zlib";
import { extract } from "tar-fs";

const HERE = dirname(fileURLToPath(import.meta.url));
const MODULES = join(HERE, "node_modules");
const PACKED = join(MODULES, "@sparticuz", "chromium", "bin");
const BIN = join(HERE, "bin");
const INTER = ["400Regular", "400Regular_Italic", "500Medium", "600SemiBold", "700Bold"];
// First the family that is meant, then the one that has what the first has not.
const FAMILIES = {
  "system-ui": ["Inter", "DejaVu Sans"],
  "sans-serif": ["Inter", "DejaVu Sans"],
  "ui-monospace": ["DejaVu Sans Mono"],
  monospace: ["DejaVu Sans Mono"],
  serif: ["DejaVu Serif"],
};

function unpack(name, target) {
  return pipeline(createReadStream(join(PACKED, name)), createBrotliDecompress(), target);
}

function fontconfig() {
  const folders = [
    ...INTER.map((weight) => join(MODULES, "@expo-google-fonts", "inter", weight)),
    join(MODULES, "dejavu-fonts-ttf", "ttf"),
  ];
  const aliases = Object.entries(FAMILIES).map(
    ([name, meant]) =>
      `<match target="pattern"><test name="family"><string>${name}</string></test>` +
      `<edit name="family" mode="assign" binding="strong">` +
      `${meant.map((family) => `<string>${family}</string>`).join("")}</edit></match>`,
  );
  return [
    '<?xml version="1.0"?>',
    '<!DOCTYPE fontconfig SYSTEM "fonts.dtd">',
    "<fontconfig>",
    ...folders.map((folder) => `<dir>${folder}</dir>`),
    `<cachedir>${join(HERE, "fonts-cache")}</cachedir>`,
    ...aliases,
    "</fontconfig>",
    "",
  ].join("\n");
}

if (process.platform !== "linux" || process.arch !== "x64") {
  console.warn("The tests' browser is for Linux on x86-64: name one of yours with CHROMIUM=/path");
  process.exit(0);
}
await rm(BIN, { recursive: true, force: true });
await mkdir(BIN, { recursive: true });
await Promise.all([
  unpack("chromium.br", createWriteStream(join(BIN, "chromium"))),
  unpack("al2023.tar.br", extract(BIN)),
  unpack("swiftshader.tar.br", extract(BIN)),
]);
await chmod(join(BIN, "chromium"), 0o755);
await writeFile(join(HERE, "fonts.conf"), fontconfig());
