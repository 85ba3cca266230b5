"""Make test/fixtures/tokenizers/*.json again: tiny tokenizers of the kinds encoders use, trained on the text below and on
docs/method.md, and what Python's transformers makes of the inputs in cases.json. No download.

    python3.11 -m venv /tmp/tokenizers
    /tmp/tokenizers/bin/pip install transformers==4.48.3 tokenizers==0.21.4 sentencepiece==0.2.3 protobuf
    /tmp/tokenizers/bin/python bench/peers/make-fixtures/tokenizers.py
"""

import sys
from pathlib import Path

sys.path = [p for p in sys.path if Path(p or ".").resolve() != Path(__file__).resolve().parent]  # this file's name

import base64
import io
import json
import os
import tempfile
import unicodedata

os.environ["HF_HUB_OFFLINE"] = "1"
import sentencepiece
import tokenizers
import transformers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers.convert_slow_tokenizer import import_protobuf

ROOT = Path(__file__).resolve().parents[3]
OUT = ROOT / "test/fixtures/tokenizers"

# Own sentences, so that the vocabularies hold some of each script.
SENTENCES = """
The quick brown fox jumps over the lazy dog, doesn't it? Yes, they'll say: we've seen 12 foxes in 2024.
Please reset my password; the invoice #4711 from 3 May was charged twice (99.50 EUR)!
Der Bär läuft über die Straße und frißt süße Äpfel. Größe, Füße, Öl.
L'été dernier, à l'hôtel, nous avons goûté une crème brûlée très légère. Ça va?
El niño pequeño comió piña y jamón en la montaña. ¿Dónde está? ¡Aquí!
Быстрая лиса прыгает через ленивую собаку. Привет, мир!
Η γρήγορη αλεπού πηδάει. Καλημέρα κόσμε. Ο Οδυσσέας.
我们今天去学校学习。北京是中国的首都。东京 大阪
今日は良い天気です。カタカナとひらがなを読みます。
안녕하세요 세계. 한국어 문장입니다.
مرحبا بالعالم، كيف حالك اليوم؟
नमस्ते दुनिया, यह एक परीक्षण है।
สวัสดีชาวโลก วันนี้อากาศดี
Emoji 😀 and 👍🏽 and family 👨‍👩‍👧 and flags 🇩🇪🇫🇷, hearts ❤️.
x = f(a, b) + 3.14e-10; // comment_with_underscores <html> & "quotes" 'single' [brackets] {braces}
""".strip().split("\n")
CORPUS = SENTENCES * 4 + (ROOT / "docs/method.md").read_text().split("\n")

LONG = " ".join(SENTENCES[k] for k in (0, 1, 2, 5, 7, 13, 0, 3))
TEXTS = [
    "", " ", "   ", "\t\n", "a", ".", "Hello", "hello world", "Hello, World!", " leading and trailing  ", "two  spaces   three",
    "tabs\tand\nnew\r\nlines", "don't we've they'll I'm he'd it's", "DON'T SHOUT", "naïve café résumé Über Straße ñandú", "na\u0308ive cafe\u0301",
    "İstanbul ΟΔΥΣΣΕΥΣ ǅ ﬁne ß ẞ", "ΑΣ ΑΣ. ΣΑΣ", "東京は日本の首都です", "中文字符 mixed 混合 text", "𠀋𪜀 rare 丽", "안녕하세요 세계",
    "مرحبا بالعالم", "नमस्ते दुनिया", "สวัสดีชาวโลก", "שָׁלוֹם עוֹלָם", "😀👍🏽👨‍👩‍👧🇩🇪❤️", "a😀b 👍c", "zero\u200bwidth \u200djoin \ufeffbom",
    "null\u0000 bell\u0007 esc\u001b nel\u0085 del\u007f", "soft\u00adhyphen nbsp\u00a0here em\u2003space ideo\u3000space", "line\u2028sep para\u2029sep",
    "\ufffd replacement \ue000 private", "unknown ⵣ ⵣⵣ ⵣ x ꙮ ꙮꙮ", "“smart” ‘quotes’ – — … «guillemets»", "½ ² ⅷ １２３ ＦＵＬＬ ｱｲｳ ㍿ ℃ ™",
    "3.14e-10 1,234,567 v2.0.1 50%", "user@example.com https://example.com/a?b=c&d=e", "snake_case camelCase kebab-case", "a" * 120, "antidisestablishmentarianism",
    "[MASK] is <mask> here", "x[MASK]y <mask>z [SEP] </s> [CLS] <s>", "The [UNK] <unk> [PAD]<pad> token", "  [MASK]  .  <mask>  .", "e\u0301\u0302 a\u030a\u0327 o\u0308\u0304",
    "▁under ▁▁bar _x_", "!!!???...", "$+<=>^`|~ ©®", "Capital COLLECTION Iteration", "\r\n\r\n", "क्ष ज्ञ ကြ", "ｶﾞ ﾊﾟ が", LONG,
]
TAGS = ["TAG here", "xTAG TAGx aTAGb TAG.", "word wordy sword wordword", "<s></s><s>", "key  <extra>  value", "keep\u00a0Cased cased CASED"]
PAIRS = [
    ("hello", "world"), ("", ""), ("hello", ""), ("", "hello"), ("A first sentence.", "A second, longer sentence with more words?"),
    (LONG, "short"), ("short", LONG), (LONG, LONG[:150]), ("😀 été", "東京 <mask> [MASK]"),
]
WORDS = [
    ["Hello", "world"], ["EU", "rejects", "German", "call", "to", "boycott", "British", "lamb", "."], ["don't", "U.S.", "3,000", "état-major", "ß"],
    ["東京", "is", "big", "😀"], [""], ["a", "", "b"], [" "], ["New York", "city "], [" lead", "trail "], ["\u200b", "x", "\u0000"], ["[MASK]", "<mask>", "x"],
    ["antidisestablishmentarianism"] * 4, ["ⵣ", "ⵣⵣ", "x"], ["Öl", "na\u0308ive", "ΟΔΟΣ"], [], ["..."], ["TAG", "xTAG", "word"],
]
CASES = (
    [{"text": text} for text in TEXTS + TAGS]
    + [{"text": text, "maxLength": n} for text in (LONG, "Hello, World!", "na\u0308ive 東京 😀 <mask>") for n in (4, 5, 8, 16)]
    + [{"text": a, "pair": b} for a, b in PAIRS]
    + [{"text": a, "pair": b, "maxLength": n} for a, b in PAIRS[4:] for n in (5, 6, 7, 12, 21, 64)]
    + [{"words": words} for words in WORDS]
    + [{"words": words, "maxLength": n} for words in (WORDS[1], WORDS[11]) for n in (4, 7, 12)]
)
BATCHES = [
    {"texts": ["Hello", "The quick brown fox", "", "東京"], "length": 16},
    {"texts": [LONG, "a"], "length": 24},
]


def charsmap(lower=False):
    """A small SentencePiece normalisation map, compiled by SentencePiece: NFKC of some blocks, and spaces as nmt_nfkc has them."""
    rules = {}
    blocks = [range(0xA0, 0x100), range(0x300, 0x30C), range(0x1FE, 0x200), range(0x2000, 0x2070), range(0x2100, 0x2190), range(0x3300, 0x3400), range(0xFB00, 0xFB07), range(0xFF00, 0xFFA0)]
    for code in (code for block in blocks for code in block):
        if unicodedata.category(chr(code)) != "Cn" and unicodedata.normalize("NFKC", chr(code)) != chr(code):
            rules[chr(code)] = unicodedata.normalize("NFKC", chr(code))
    for base in "aeiouncAEIOUNC":
        for mark in "\u0300\u0301\u0302\u0303\u0308\u0327":
            if len(unicodedata.normalize("NFKC", base + mark)) == 1:
                rules[base + mark] = unicodedata.normalize("NFKC", base + mark)
    for left, right in (("ｶﾞ", "ガ"), ("ﾊﾟ", "パ"), ("か\u3099", "が"), ("\r\n", " ")):
        rules[left] = right
    for code in [9, 10, 12, 13, 0x1680, *range(0x2000, 0x2010), 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD]:
        rules[chr(code)] = " "
    for code in [*range(1, 9), 11, *range(14, 32), 0x7F, 0x8F, 0x9F]:
        rules[chr(code)] = ""
    if lower:
        rules.update({chr(code): chr(code).lower() for code in range(65, 91)})
    hexes = lambda text: " ".join(f"{ord(c):X}" for c in text)
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        file.writelines(f"{hexes(key)}\t{hexes(value)}\n" for key, value in rules.items())
        file.flush()
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(SENTENCES), model_writer=model, vocab_size=320, hard_vocab_limit=False, normalization_rule_tsv=file.name, minloglevel=2
        )
    proto = import_protobuf().ModelProto.FromString(model.getvalue())
    return proto.normalizer_spec.precompiled_charsmap


def word_piece(specials, prefix="##", size=700, **normalizer):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", continuing_subword_prefix=prefix))
    tokenizer.normalizer = normalizers.BertNormalizer(**normalizer)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=size, special_tokens=specials, limit_alphabet=300, show_progress=False))
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def byte_bpe(specials, size=640, normalizer=None, pre_tokenizer=None, suffix=None, **bpe):
    tokenizer = Tokenizer(models.BPE(**bpe, **({"end_of_word_suffix": suffix} if suffix else {})))
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer or pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=specials, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
        **({"end_of_word_suffix": suffix} if suffix else {}),
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def unigram(specials, unk, normalizer, pre_tokenizer, size=700):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.train_from_iterator(CORPUS, trainers.UnigramTrainer(vocab_size=size, special_tokens=specials, unk_token=unk, show_progress=False))
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer


def template(tokenizer, single, pair, names):
    tokenizer.post_processor = processors.TemplateProcessing(single=single, pair=pair, special_tokens=[(n, tokenizer.token_to_id(n)) for n in names])
    return tokenizer


BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
BERT_NAMES = dict(pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]")
ROBERTA = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
ROBERTA_NAMES = dict(bos_token="<s>", eos_token="</s>", cls_token="<s>", sep_token="</s>", pad_token="<pad>", unk_token="<unk>")
MASK = AddedToken("<mask>", lstrip=True, special=True)


def bert():
    t = template(word_piece(BERT, lowercase=True), "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1", ["[CLS]", "[SEP]"])
    return transformers.BertTokenizerFast(tokenizer_object=t, model_max_length=512, **BERT_NAMES)


def electra_cased():
    """Cased, BertProcessing, everything on the left, and a truncation and padding of its own in tokenizer.json."""
    t = word_piece(BERT, lowercase=False)
    t.post_processor = processors.BertProcessing(sep=("[SEP]", t.token_to_id("[SEP]")), cls=("[CLS]", t.token_to_id("[CLS]")))
    return transformers.ElectraTokenizerFast(
        tokenizer_object=t, model_max_length=200, do_lower_case=False, padding_side="left", truncation_side="left", **BERT_NAMES
    )


def mpnet():
    t = word_piece(["<s>", "<pad>", "</s>", "<unk>", "[UNK]"], lowercase=True)
    t = template(t, "<s>:0 $A:0 </s>:0", "<s>:0 $A:0 </s>:0 </s>:0 $B:1 </s>:1", ["<s>", "</s>"])
    return transformers.MPNetTokenizerFast(tokenizer_object=t, model_max_length=512, mask_token=MASK, **{**ROBERTA_NAMES, "unk_token": "[UNK]"})


def roberta():
    t = byte_bpe(ROBERTA)
    t.post_processor = processors.RobertaProcessing(sep=("</s>", 2), cls=("<s>", 0), trim_offsets=True, add_prefix_space=False)
    return transformers.RobertaTokenizerFast(tokenizer_object=t, model_max_length=512, mask_token=MASK, **ROBERTA_NAMES)


def modernbert():
    t = byte_bpe(["|||IP_ADDRESS|||", "<|padding|>"], normalizer=normalizers.NFC())
    t.add_tokens([AddedToken(" " * n, normalized=True) for n in (4, 3, 2)])
    t.add_tokens([AddedToken("TAG", single_word=True), AddedToken("<extra>", lstrip=True, rstrip=True, normalized=False), AddedToken("word", normalized=True)])
    t.add_special_tokens([AddedToken(n, lstrip=n == "[MASK]", special=True) for n in ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]])
    template(t, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:0 [SEP]:0", ["[CLS]", "[SEP]"])
    names = {**BERT_NAMES, "mask_token": AddedToken("[MASK]", lstrip=True, special=True)}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=t, model_max_length=8192, **names)


def xlmr():
    normalizer = normalizers.Sequence([normalizers.Precompiled(charsmap()), normalizers.Replace(Regex(" {2,}"), " ")])
    t = unigram(ROBERTA[:4], "<unk>", normalizer, pre_tokenizers.Metaspace(prepend_scheme="always"))
    t = template(t, "<s> $A </s>", "<s> $A </s> </s> $B </s>", ["<s>", "</s>"])
    return transformers.XLMRobertaTokenizerFast(tokenizer_object=t, model_max_length=512, mask_token=MASK, **ROBERTA_NAMES)


def deberta_v3():
    normalizer = normalizers.Sequence([normalizers.Strip(), normalizers.Precompiled(charsmap(lower=True)), normalizers.Replace(Regex(" {2,}"), " ")])
    t = unigram(["[PAD]", "[CLS]", "[SEP]", "[UNK]"], "[UNK]", normalizer, pre_tokenizers.Sequence([pre_tokenizers.Metaspace(prepend_scheme="always")]))
    t.add_special_tokens([AddedToken("[UNK]", normalized=True, special=True)])
    template(t, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1", ["[CLS]", "[SEP]"])
    names = {**BERT_NAMES, "unk_token": AddedToken("[UNK]", normalized=True, special=True)}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=t, **names)  # its config says 1e30


def clip():
    split = Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
    t = byte_bpe(
        ["<|startoftext|>", "<|endoftext|>"],
        normalizer=normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]),
        pre_tokenizer=pre_tokenizers.Sequence([pre_tokenizers.Split(split, "removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]),
        suffix="</w>", unk_token="<|endoftext|>",
    )
    t.post_processor = processors.RobertaProcessing(sep=("<|endoftext|>", 1), cls=("<|startoftext|>", 0), trim_offsets=False, add_prefix_space=False)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=t, model_max_length=77, unk_token="<|endoftext|>", pad_token="<|endoftext|>")


def pieces():
    """The remaining parts: character BPE with fused unknowns, split by punctuation, digits and words; StripAccents; WhitespaceSplit."""
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    t.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.Prepend("~")])
    t.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Split("-", "merged_with_previous"),
            pre_tokenizers.Punctuation("contiguous"),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.Whitespace(),
        ]
    )
    t.train_from_iterator(SENTENCES[:4], trainers.BpeTrainer(vocab_size=300, special_tokens=ROBERTA, show_progress=False))
    t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True), processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B:1 </s>:1", special_tokens=[("</s>", 2)])])
    return transformers.PreTrainedTokenizerFast(tokenizer_object=t, model_max_length=100, pad_token="<pad>", unk_token="<unk>", eos_token="</s>")


def first_metaspace():
    """Metaspace at the start only and unsplit, byte fallback in a BPE, as SentencePiece BPE models have it."""
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    t.train_from_iterator(SENTENCES[:3], trainers.BpeTrainer(vocab_size=340, special_tokens=[*ROBERTA, *(f"<0x{b:02X}>" for b in range(256))], show_progress=False))
    return transformers.PreTrainedTokenizerFast(tokenizer_object=t, model_max_length=64, pad_token="<pad>", unk_token="<unk>", eos_token="</s>")


KINDS = [bert, electra_cased, mpnet, roberta, modernbert, xlmr, deberta_v3, clip, pieces, first_metaspace]


def record(tokenizer, case, longest):
    limit = dict(truncation="longest_first", max_length=min(case.get("maxLength", longest), longest))
    if "words" in case:
        made = tokenizer([case["words"]], is_split_into_words=True, return_token_type_ids=True, **limit)
    elif "pair" in case:
        made = tokenizer([case["text"]], [case["pair"]], return_token_type_ids=True, **limit)
    else:
        made = tokenizer([case["text"]], return_token_type_ids=True, **limit)
    out = {"ids": made["input_ids"][0]}
    if any(made["token_type_ids"][0]):
        out["types"] = made["token_type_ids"][0]
    if "words" in case:
        out["words"] = [-1 if word is None else word for word in made.word_ids(0)]
    return out


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    compact = dict(ensure_ascii=False, separators=(",", ":"))
    write = lambda name, value: (OUT / f"{name}.json").write_text(json.dumps(value, **compact).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029") + "\n")
    write("cases", {"cases": CASES, "batches": BATCHES})
    for kind in KINDS:
        name = kind.__name__.replace("_", "-")
        with tempfile.TemporaryDirectory() as folder:
            kind().save_pretrained(folder)
            files = {key: json.loads((Path(folder) / f"{file}.json").read_text()) for key, file in
                     (("tokenizer", "tokenizer"), ("config", "tokenizer_config"), ("specialTokens", "special_tokens_map"))}
            if name == "electra-cased":
                side = dict(direction="Left", strategy="LongestFirst", stride=0)
                files["tokenizer"]["truncation"] = dict(max_length=180, **side)
            python = transformers.AutoTokenizer.from_pretrained(folder)
            # What users of byte-level tokenizers load for split words; without it words stick together.
            byte_level = name in ("roberta", "modernbert")
            spaced = transformers.AutoTokenizer.from_pretrained(folder, add_prefix_space=True) if byte_level else python
        # What tokenizer.json says of truncation, transformers leaves to its caller.
        own = (files["tokenizer"]["truncation"] or {}).get("max_length", 1 << 20)
        longest = min(python.model_max_length, own)
        expected = [record(spaced if "words" in case else python, case, longest) for case in CASES]
        batches = []
        for batch in BATCHES:
            made = python(batch["texts"], padding="max_length", truncation=True, max_length=batch["length"], return_token_type_ids=True)
            batches.append({"ids": made["input_ids"], "mask": made["attention_mask"], "types": made["token_type_ids"]})
        made_with = f"transformers {transformers.__version__}, tokenizers {tokenizers.__version__}, {type(python).__name__}"
        size = max(python.get_vocab().values()) + 1
        write(name, {"madeWith": made_with, **files, "vocabularySize": size, "maxLength": longest if longest < 1 << 20 else None, "expected": expected, "batches": batches})
        print(name, size, (OUT / f"{name}.json").stat().st_size)


if __name__ == "__main__":
    main()
