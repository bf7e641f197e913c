# A job with a full size, and the pickle of a model of characters.
cat > job.yaml <<'END'
model: {family: gpt2, layers: 1, width: 8, context: 16}
data: {text: docs/faq.md, sequences: 8}
full:
  data: {sequences: 64}
END
python3 -c "import pickle; pickle.dump({'stoi': {'a': 0, 'b': 1}}, open('meta.pkl', 'wb'))"
