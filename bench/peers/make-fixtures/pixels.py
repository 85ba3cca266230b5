"""Pictures as Python's image processors prepare them, for src/backbone/preprocessor.node.test.ts.

Writes test/fixtures/pixels/: six PNG files, pixels.json (configurations, in order) and pixels.bin (bytes
[3, height, width] of every configuration and picture, after resizing and cutting, before rescaling).
Alpha is laid on white first, as graft does; transformers' own convert("RGB") would forget it.
"""
import json
import sys
from pathlib import Path

import numpy as np
import PIL
import transformers
from PIL import Image

OUT = Path(__file__).resolve().parents[3] / "test" / "fixtures" / "pixels"


def pictures():
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:90, 0:130]
    waves = np.stack([x * 255 // 129, y * 255 // 89, 127.5 + 127.5 * np.sin((x * x + y * y) / 300)], -1).astype(np.uint8)
    noise = rng.integers(0, 256, (41, 53, 3), dtype=np.uint8)
    tall = np.repeat(rng.integers(0, 2, (97, 1, 1), dtype=np.uint8) * 255, 19, 1).repeat(3, 2)
    grey = ((np.add.outer(np.arange(11), np.arange(17)) * 9) % 256).astype(np.uint8)
    ay, ax = np.mgrid[0:37, 0:64]
    alpha = np.stack([ax * 4, 255 - ay * 6, (ax // 8 + ay // 8) % 2 * 255, np.clip(ax * 5 - 30, 0, 255)], -1).astype(np.uint8)
    yield "waves", Image.fromarray(waves)
    yield "noise", Image.fromarray(noise)
    yield "tall", Image.fromarray(tall)
    yield "grey", Image.fromarray(grey)
    yield "alpha", Image.fromarray(alpha)
    yield "dot", Image.new("RGB", (1, 1), (200, 30, 90))


def on_white(image):
    if image.mode != "RGBA":
        return image.convert("RGB")
    values = np.asarray(image, np.int64)
    alpha = values[..., 3:]
    return Image.fromarray(((values[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8))


SMALL = {"height": 24, "width": 24}
FLAT = {"do_rescale": False, "do_normalize": False}
CONFIGS = [
    *[{"image_processor_type": "ViTImageProcessor", "size": SMALL, "resample": resample} for resample in range(6)],
    {"image_processor_type": "ViTImageProcessor", "size": {"height": 40, "width": 16}},
    {"image_processor_type": "ViTFeatureExtractor", "size": 24},
    {"image_processor_type": "SiglipImageProcessor", "size": SMALL},
    {"image_processor_type": "DeiTImageProcessor", "size": {"height": 29, "width": 30}, "crop_size": SMALL},
    {"image_processor_type": "BeitImageProcessor", "size": SMALL, "do_center_crop": False},
    {"image_processor_type": "BeitImageProcessor", "size": {"height": 28, "width": 28}, "crop_size": SMALL},
    {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 24}, "crop_size": SMALL},
    {"image_processor_type": "CLIPFeatureExtractor", "size": 27, "crop_size": 24},
    {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 19}, "crop_size": SMALL},
    {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 28}, "crop_size": SMALL, "resample": 3},
    {"image_processor_type": "BitImageProcessor", "do_resize": False, "crop_size": SMALL},
    {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 24}, "crop_pct": 0.9},
]
# What the classes do where the file says nothing: whole pixel_values at some places.
DEFAULTS = ["ViT", "Siglip", "DeiT", "Beit", "CLIP", "Bit", "ConvNext"]


def processor_of(config):
    name = config["image_processor_type"].replace("FeatureExtractor", "ImageProcessor")
    return getattr(transformers, name)(**{key: value for key, value in config.items() if key != "image_processor_type"})


def run(config, image, **kwargs):
    # A picture one pixel wide would be taken for one of channels first.
    batch = processor_of(config)(np.asarray(image), input_data_format="channels_last", return_tensors="np", **kwargs)
    return batch["pixel_values"][0]


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    images = []
    for name, image in pictures():
        image.save(OUT / f"{name}.png", optimize=True)
        images.append((name, on_white(image)))
    recorded = bytearray()
    for config in CONFIGS:
        for _, image in images:
            recorded += np.ascontiguousarray(run(config, image, **FLAT)).astype(np.uint8).tobytes()
    (OUT / "pixels.bin").write_bytes(recorded)
    defaults = []
    waves = dict(images)["waves"]
    for kind in DEFAULTS:
        config = {"image_processor_type": f"{kind}ImageProcessor"}
        values = run(config, waves)
        at = [int(k) for k in np.random.default_rng(2).integers(0, values.size, 48)]
        defaults.append({"config": config, "shape": list(values.shape), "at": at, "values": [float(f"{values.flat[k]:.7g}") for k in at]})
    for extra in ({"do_rescale": False, "size": SMALL}, {"do_normalize": False, "size": SMALL}, {"rescale_factor": 1 / 127.5, "image_mean": 1.0, "image_std": 1.0, "size": SMALL}):
        config = {"image_processor_type": "ViTImageProcessor", **extra}
        values = run(config, waves)
        at = [int(k) for k in np.random.default_rng(2).integers(0, values.size, 48)]
        defaults.append({"config": config, "shape": list(values.shape), "at": at, "values": [float(f"{values.flat[k]:.7g}") for k in at]})
    versions = {"python": sys.version.split()[0], "transformers": transformers.__version__, "pillow": PIL.__version__}
    body = {"writer": versions, "pictures": [name for name, _ in images], "configs": CONFIGS, "normalized": defaults}
    (OUT / "pixels.json").write_text(json.dumps(body, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
