# To plan, and to look for drift.
gh secret set PORT_CLIENT_ID
gh secret set PORT_CLIENT_SECRET
# To apply (port)@SYNCING@: secrets that no other job gets.
for name in @ENVIRONMENTS@; do
  gh api --method PUT "repos/{owner}/{repo}/environments/$name" --silent
  gh secret set PORT_CLIENT_ID --env "$name"
  gh secret set PORT_CLIENT_SECRET --env "$name"
done
# Which Port is yours (in the US region: https://api.us.port.io): a `base_url` in a pull request then changes nothing.
gh variable set PORT_BASE_URL --body https://api.port.io
# Signs plans: nobody without it can make one that counts as reviewed.
gh secret set PORTCFG_PLAN_KEY --body "$(openssl rand -hex 32)"
