# To plan, and to look for drift.
gh secret set PORT_CLIENT_ID
gh secret set PORT_CLIENT_SECRET
# To apply (port), and to sync (port-sync): secrets that no other job gets.
for name in @ENVIRONMENTS@; do
  gh api --method PUT "repos/{owner}/{repo}/environments/$name" --silent
  gh secret set PORT_CLIENT_ID --env "$name"
  gh secret set PORT_CLIENT_SECRET --env "$name"
done
# Where your Port isn't in the EU region.
gh variable set PORT_BASE_URL --body https://api.us.port.io
