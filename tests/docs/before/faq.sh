# A job, the file of images that CIFAR has for Python, a checkpoint, a text and a tokenizer.
cat > job.yaml <<'END'
model: {family: gpt2, layers: 1, width: 8, context: 16}
data: {text: docs/faq.md, sequences: 2}
hessian: {scope: blocks, only: ["*.h.0.attn.*"]}
END
cp job.yaml jobs/quickstart.yaml
sed -i 's,docs/faq.md,../docs/faq.md,' jobs/quickstart.yaml
cp docs/faq.md corpus.txt
python3 - <<'END'
import importlib.util, pickle

found = importlib.util.find_spec
if found("numpy"):
    import numpy
    with open("data_batch_1", "wb") as file:
        pickle.dump({b"data": numpy.zeros((2, 3072), "uint8"), b"labels": [3, 8]}, file)
if found("torch"):
    import torch
    torch.save(torch.nn.Linear(2, 3).state_dict(), "model.pt")
if found("tokenizers"):
    from tokenizers import Tokenizer, models, trainers
    tokenizer = Tokenizer(models.BPE())
    tokenizer.train_from_iterator(["a text"], trainers.BpeTrainer(special_tokens=["<|endoftext|>"]))
    tokenizer.save("tokenizer.json")
END
