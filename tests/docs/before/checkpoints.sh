# A checkpoint of nanoGPT, a text, labelled reviews, and tokenizers like those of GPT-2 and BERT.
cp docs/faq.md corpus.txt
printf 'good\tA fine film.\nbad\tA film without a plot.\n' > reviews.tsv
if python3 -c 'import torch, safetensors, tokenizers' 2>/dev/null; then
    python3 - <<'END'
import os, sys
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

for folder, model, trainer in (
        ("gpt2", models.BPE(), trainers.BpeTrainer(vocab_size=96, special_tokens=["<|endoftext|>"])),
        ("bert", models.WordLevel(unk_token="[UNK]"),
         trainers.WordLevelTrainer(special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"]))):
    os.mkdir(folder)
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.train(["docs/faq.md"], trainer)
    tokenizer.save(folder + "/tokenizer.json")
os.mkdir("out")
sys.path.insert(0, "tests/python")
import train_nanogpt
train_nanogpt.SIZES.update(block_size=64, vocab_size=96)
sys.argv = ["train_nanogpt.py", "out/ckpt.pt", "--steps", "2"]
train_nanogpt.main()
END
fi
