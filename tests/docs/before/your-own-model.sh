# The script of the page.
sed -n '/^# model.py/,/^```/p' docs/your-own-model.md | sed '$d' > model.py
