# What tools/quickstart leaves, at a small size; it has put the build into build/.
cat > jobs/quickstart.yaml <<'END'
model: {family: gpt2, layers: 1, heads: 2, width: 8, context: 16, seed: 1}
data: {text: ../docs/faq.md, vocabulary: characters, sequences: 2}
output: {file: ../quickstart.h5}
END
build/hesse run jobs/quickstart.yaml
